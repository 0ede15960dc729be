// @ts-check
/** The few DOM helpers of the demo. Text always goes through textContent: what a plugin says is never markup. */

/** @typedef {Node | string | null} Child */

/**
 * Makes an element. `props` are attributes; `on` holds event listeners.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean>} [props] false leaves the attribute out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

/**
 * The element with this id; the page is broken without it.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function byId(id, kind) {
  const node = document.getElementById(id);
  if (!(node instanceof kind)) throw new Error(`demo.html has no ${kind.name} with id ${id}`);
  return node;
}

/** @param {number} ms a duration; sub-millisecond ones keep one digit */
export const formatMs = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** @param {number} bytes */
export const formatBytes = (bytes) => `${(bytes / 1048576).toFixed(1)} MiB`;

/** The wall time as HH:MM:SS. */
export const clock = () => new Date().toLocaleTimeString([], { hour12: false });

/**
 * Says `text` to a screen reader; the region is polite, so that it never interrupts typing.
 * @param {string} text
 */
export function announce(text) {
  byId("announce", HTMLElement).textContent = text;
}

// @ts-check
/** The few DOM helpers of our pages. Text always goes through textContent: what a plugin says is never markup. */

/** @typedef {Node | string | null} Child */

/**
 * Makes an element. `props` are attributes; false leaves one out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean>} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  fill(node, props, children);
  return node;
}

/**
 * The same for a drawing's elements.
 * @param {string} tag
 * @param {Record<string, string | number | boolean>} [props]
 * @param {...Child} children
 */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(node, props, children);
  return node;
}

/**
 * @param {Element} node
 * @param {Record<string, string | number | boolean>} props
 * @param {Child[]} children
 */
function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null) node.append(child);
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
  if (!(node instanceof kind)) throw new Error(`this page has no ${kind.name} with id ${id}`);
  return node;
}

/** @param {number} ms a duration; sub-millisecond ones keep one digit */
export const formatMs = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

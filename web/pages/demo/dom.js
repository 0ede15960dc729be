// @ts-check
/** The demo's DOM helpers: those of all pages, and its own. */
export { byId, el, formatMs } from "../dashboard/dom.js";
import { byId } from "../dashboard/dom.js";

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

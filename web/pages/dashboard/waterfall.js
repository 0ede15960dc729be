// @ts-check
/** Bars on one axis of time, each with its name and a note. */
import { el } from "./dom.js";

/**
 * @typedef {{ name: string, from: number, ms: number, kind: string, note: string, depth?: number }} Bar
 */

/** @param {Bar[]} bars at least one */
export function waterfall(bars) {
  const from = Math.min(...bars.map((bar) => bar.from));
  const until = Math.max(...bars.map((bar) => bar.from + bar.ms), from + 1);
  const place = (/** @type {number} */ ms) => `${(ms / (until - from) * 100).toFixed(2)}%`;
  const rows = bars.map((bar) => {
    const mark = el("span", { class: `bar ${bar.kind}` });
    mark.style.marginInlineStart = place(bar.from - from);
    mark.style.width = bar.ms ? place(bar.ms) : "3px";
    const name = el("span", { class: "name" }, bar.name);
    name.style.paddingInlineStart = `${bar.depth ?? 0}em`;
    return el("li", {}, name, el("span", { class: "lane" }, mark),
      el("span", { class: "note" }, bar.note));
  });
  return el("ol", { class: "waterfall", "aria-label": "What happened, in order" }, ...rows);
}

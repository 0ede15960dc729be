// @ts-check
/** Lines over time, drawn as SVG: one axis, a few named lines, marks where something happened. */
import { el, svg } from "./dom.js";

const WIDTH = 600;
const HEIGHT = 150;
const LEFT = 44;
const BOTTOM = 18;
const TOP = 8;

/**
 * @typedef {{ name: string, values: (number | null)[] }} Line
 * @typedef {{ at: number, text: string }} Mark
 */

/**
 * @param {string} title
 * @param {string} unit
 * @param {number[]} times seconds since 1970, rising
 * @param {Line[]} lines
 * @param {[number, number]} span from, until
 * @param {Mark[]} [marks]
 */
export function chart(title, unit, times, lines, span, marks = []) {
  const top = niceTop(Math.max(0, ...lines.flatMap((line) => line.values.map((value) => value ?? 0))));
  const x = (/** @type {number} */ at) => LEFT + (at - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT);
  const y = (/** @type {number} */ value) => TOP + (HEIGHT - BOTTOM - TOP) * (1 - value / top);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary(title, unit, lines) });
  for (const part of [0, 0.5, 1]) {
    const at = y(top * part);
    drawing.append(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: at, y2: at }),
      svg("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, short(top * part)),
    );
  }
  for (const part of [0, 0.5, 1]) {
    const at = span[0] + (span[1] - span[0]) * part;
    drawing.append(svg("text", {
      class: "tick", x: x(at), y: HEIGHT - 3, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle",
    }, timeText(at, span)));
  }
  for (const mark of marks) {
    if (mark.at < span[0] || mark.at > span[1]) continue;
    drawing.append(svg("line", { class: "mark", x1: x(mark.at), x2: x(mark.at), y1: 0, y2: HEIGHT - BOTTOM },
      svg("title", {}, mark.text)));
  }
  lines.forEach((line, n) => {
    const points = line.values.flatMap((value, at) => value === null ? [] : [`${x(times[at]).toFixed(1)},${y(value).toFixed(1)}`]);
    drawing.append(svg("polyline", { class: `line line-${n}`, points: points.join(" ") }));
    if (points.length === 1) {
      const [cx, cy] = points[0].split(",");
      drawing.append(svg("circle", { class: `dot line-${n}`, cx, cy, r: 3 }));
    }
  });
  return el("figure", { class: "chart" },
    el("figcaption", {}, el("b", {}, title), ` ${unit}`,
      ...lines.map((line, n) => el("span", { class: `key line-${n}` }, line.name))),
    drawing);
}

/** @param {string} title @param {string} unit @param {Line[]} lines */
function summary(title, unit, lines) {
  const told = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    return known.length
      ? `${name}: last ${short(known[known.length - 1])}, highest ${short(Math.max(...known))}`
      : `${name}: nothing`;
  });
  return `${title} in ${unit}. ${told.join("; ")}`;
}

/** @param {number} value */
function niceTop(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/** @param {number} value */
export function short(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)}k`;
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1);
}

/** @param {number} at @param {[number, number]} span */
function timeText(at, span) {
  const when = new Date(at * 1000);
  return span[1] - span[0] > 2 * 86_400
    ? when.toLocaleDateString([], { month: "short", day: "numeric" })
    : when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

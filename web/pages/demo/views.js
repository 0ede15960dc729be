// @ts-check
/**
 * What the agent reads of each plugin's result. Results come from untrusted code: each shape is checked where it is
 * used, and text is only ever text.
 */
import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const BARS_SHOWN = 6;

/**
 * The score, its band, and one diverging bar for each feature: to the right it raises the risk, to the left it lowers it.
 * @param {any} value
 * @returns {Node[]}
 */
export function riskView(value) {
  const score = Number(value?.score);
  if (!Number.isFinite(score)) return [unreadable("a number in score")];
  const parts = list(value.explanations).map((part) => ({
    name: String(part.feature),
    amount: Number(part.contribution) || 0,
    meaning: String(part.meaning ?? part.feature),
  }));
  parts.sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount));
  const widest = Math.max(1e-9, ...parts.map((part) => Math.abs(part.amount)));
  const bars = parts.slice(0, BARS_SHOWN).map(({ name, amount, meaning }) =>
    el(
      "li",
      { "data-level": amount > 0 ? "bad" : "good" },
      el("span", { class: "name", title: meaning }, name.replaceAll("_", " ")),
      bar(amount / widest),
      el("span", { class: "value" }, `${amount > 0 ? "+" : ""}${amount.toFixed(2)}`),
    )
  );
  return [
    el("p", { class: "score" }, el("b", {}, `${Math.round(score * 100)} %`), String(value.band ?? "")),
    el("ul", { class: "bars", "aria-label": "What raises (+) and lowers (−) the risk" }, ...bars),
  ];
}

/** @param {number} part -1 … 1 of half the bar's width */
function bar(part) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "-100 0 200 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  const width = Math.abs(part) * 100;
  for (const [name, size] of Object.entries({ x: part < 0 ? -width : 0, y: 0, width, height: 10 })) {
    rect.setAttribute(name, String(size));
  }
  const axis = document.createElementNS(SVG, "line");
  axis.setAttribute("y2", "10");
  svg.append(rect, axis);
  return svg;
}

/**
 * @param {any} value
 * @returns {Node[]}
 */
export function summaryView(value) {
  const sentences = list(value?.sentences);
  if (!sentences.length) return [el("p", { class: "empty" }, "Nothing to sum up yet.")];
  return [
    el(
      "ol",
      { class: "summary" },
      ...sentences.map(({ author, text }) => el("li", {}, el("small", {}, `${author}: `), String(text))),
    ),
  ];
}

/**
 * @param {any} value
 * @returns {Node[]}
 */
export function findingsView(value) {
  const found = list(value?.findings);
  if (!found.length) return [el("p", {}, "No personal data in this message.")];
  return [
    el("p", { class: "lead" }, `${found.length} masked in the latest message`),
    el(
      "ul",
      { class: "findings" },
      ...found.map((f) =>
        el(
          "li",
          {},
          el("span", { class: "pill", "data-level": "idle" }, String(f.kind)),
          el("code", {}, String(f.preview ?? "")),
          el("small", {}, `characters ${Number(f.start)} to ${Number(f.end)}`),
        )
      ),
    ),
  ];
}

/**
 * The masked text with every finding highlighted.
 * @param {string} original
 * @param {any} value
 * @returns {{ nodes: (Node | string)[], text: string, count: number } | null} null when the result makes no sense
 */
export function maskedText(original, value) {
  const chars = Array.from(original); // Python counts code points, JavaScript UTF-16 units
  const nodes = [];
  let text = "", at = 0, count = 0;
  for (const { kind, start, end } of list(value?.findings)) {
    if (!(Number.isInteger(start) && Number.isInteger(end) && at <= start && start < end && end <= chars.length)) {
      return null;
    }
    const before = chars.slice(at, start).join("");
    const mask = `[${kind}]`;
    nodes.push(before, el("mark", { title: `${kind}, masked` }, mask));
    text += before + mask;
    at = end;
    count += 1;
  }
  const rest = chars.slice(at).join("");
  return { nodes: [...nodes, rest], text: text + rest, count };
}

/** @param {unknown} value an array, or nothing */
const list = (value) => (Array.isArray(value) ? value : []);

/** @param {string} wanted */
const unreadable = (wanted) => el("p", { class: "empty" }, `The plugin's result has no ${wanted}.`);

// @ts-check
/** One execution as a waterfall: everything that was recorded under its correlation id, on one axis of time. */
import { byId, el, formatMs } from "./dom.js";
import { ask } from "./api.js";
import { waterfall } from "./waterfall.js";

/** @typedef {import("./waterfall.js").Bar & { span?: string, parent?: string }} Traced */

/** @param {string} correlationId */
export async function showTrace(correlationId) {
  const dialog = byId("trace", HTMLDialogElement);
  const body = byId("trace-body", HTMLElement);
  byId("trace-title", HTMLElement).textContent = `Trace ${correlationId}`;
  body.replaceChildren(el("p", {}, "Reading…"));
  dialog.showModal();
  try {
    const { records } = await ask("telemetry/records", { correlationId, limit: 500 });
    body.replaceChildren(...drawn(records));
  } catch (error) {
    body.replaceChildren(el("p", { class: "bad" }, error instanceof Error ? error.message : String(error)));
  }
}

/** @param {any[]} records */
function drawn(records) {
  if (!records.length) return [el("p", {}, "Nothing is recorded under it.")];
  const traced = records.some((record) => record.kind === "request");
  const bars = inParents(records.flatMap((record) => barsOf(record, traced)));
  return [
    waterfall(bars),
    el("details", {}, el("summary", {}, "The records"), el("pre", {}, JSON.stringify(records, null, 1))),
  ];
}

/** @param {any} record of a proxied request */
export const requestSaid = ({ request, metrics, code }) =>
  `${request.method} ${request.route || "no route"} · ${metrics.statusCode || request.outcome}${code ? ` ${code}` : ""}`;

/** @param {any} record of a proxied request: whether the gateway refused it, or who answered failed */
export const requestFailed = ({ metrics, code }) => Boolean(code) || metrics.statusCode >= 500;

/**
 * The requests of each invocation right below it. Two clocks wrote them: what would lie outside of its invocation is
 * moved into it, as late as it can be.
 * @param {Traced[]} bars
 */
function inParents(bars) {
  const roots = bars.filter((bar) => !bar.parent || !bars.some((one) => one.span === bar.parent));
  return roots.flatMap((root) => [root, ...bars.filter((bar) => bar.parent && bar.parent === root.span).map((bar) => {
    const latest = Math.max(root.from, root.from + root.ms - bar.ms);
    const shift = Math.min(Math.max(bar.from, root.from), latest) - bar.from;
    return { ...bar, from: bar.from + shift };
  }).sort((a, b) => a.from - b.from)]);
}

/** @param {any} record @param {boolean} traced whether there are records of the requests themselves @returns {Traced[]} */
function barsOf(record, traced) {
  const at = Date.parse(record.timestamp);
  if (record.kind === "log") {
    const { level, message } = record.log ?? {};
    return [{ name: `log ${level}`, from: at, ms: 0, kind: "log", note: message }];
  }
  if (record.kind === "alert") {
    const { code, rule, evidence } = record.alert ?? {};
    return [{ name: `alert ${code}`, from: at, ms: 0, kind: "alert", note: `${rule} · evidence ${evidence || "none"}` }];
  }
  const { durationMs, networkLatencyMs } = record.metrics;
  const span = record.id.slice(0, 16);
  if (record.kind === "request") {
    const bar = { from: at - durationMs, ms: durationMs, parent: record.request.parent, span, depth: 1 };
    return [{
      ...bar, name: `gateway ${requestSaid(record)}`, kind: requestFailed(record) ? "failed" : "network",
      note: `${formatMs(durationMs)} · upstream ${formatMs(networkLatencyMs)}`,
    }];
  }
  /** @type {Traced[]} */
  const bars = [{
    span,
    name: `page → host → ${record.pluginId} ${record.handler}`, from: at - durationMs, ms: durationMs,
    kind: record.status === "ok" ? "ok" : "failed",
    note: `${record.status}${record.code ? ` ${record.code}` : ""} · ${formatMs(durationMs)} · worker ${record.generation}`,
  }];
  if (record.proxyCalls && !traced) {
    bars.push({
      name: `gateway → upstream × ${record.proxyCalls}`, from: at - durationMs, ms: networkLatencyMs, kind: "network",
      note: `${formatMs(networkLatencyMs)} of it, all requests together`,
    });
  }
  return bars;
}

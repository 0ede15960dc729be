// @ts-check
/** One execution as a waterfall: everything that was recorded under its correlation id, on one axis of time. */
import { byId, el, formatMs } from "./dom.js";
import { ask } from "./api.js";
import { waterfall } from "./waterfall.js";

/** @typedef {import("./waterfall.js").Bar} Bar */

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
  const bars = records.flatMap(barsOf);
  return [
    waterfall(bars),
    el("details", {}, el("summary", {}, "The records"), el("pre", {}, JSON.stringify(records, null, 1))),
  ];
}

/** @param {any} record @returns {Bar[]} */
function barsOf(record) {
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
  const bars = [{
    name: `page → host → ${record.pluginId} ${record.handler}`, from: at - durationMs, ms: durationMs,
    kind: record.status === "ok" ? "ok" : "failed",
    note: `${record.status}${record.code ? ` ${record.code}` : ""} · ${formatMs(durationMs)} · worker ${record.generation}`,
  }];
  if (record.proxyCalls) {
    bars.push({
      name: `gateway → upstream × ${record.proxyCalls}`, from: at - durationMs, ms: networkLatencyMs, kind: "network",
      note: `${formatMs(networkLatencyMs)} of it, all requests together`,
    });
  }
  return bars;
}

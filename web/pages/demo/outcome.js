// @ts-check
/** How an outcome looks: its pill, its figures, its error with the cure; and the table of calls. */
import { byId, el, formatBytes, formatMs } from "./dom.js";

/** @typedef {import("./types.js").Outcome} Outcome */
/** @typedef {import("./types.js").CodedError} CodedError */

const CALLS_SHOWN = 60;

/** Cures that only this page can know; every other error carries its own advice in its message. */
const CURES = new Map([
  ["SESSION_INVALID", "Tokens end with the server that made them: run make demo again and open the address it prints."],
  ["ORIGIN_NOT_ALLOWED", "Open the address exactly as make demo printed it (127.0.0.1 and localhost are two origins)."],
  ["BOOT_TIMEOUT", "Check that the server is still running in its terminal, then reload this page."],
  ["PLUGIN_NOT_FOUND", "Start the server with the example folders: make demo does."],
  [
    "CLIENT_UNREACHABLE",
    "Check that the server is still running in its terminal, and run make demo again if it is not.",
  ],
]);

/**
 * Any rejection as a coded error.
 * @param {unknown} reason
 * @returns {CodedError}
 */
export function codedError(reason) {
  const fields = /** @type {Partial<CodedError>} */ (reason instanceof Object ? reason : {});
  const { code = "UNEXPECTED", message = String(reason), retryable = false, details } = fields;
  return { code, message, retryable, details };
}

/** @param {Outcome} outcome */
export function pill(outcome) {
  const level = outcome.status === "ok" ? "good" : "bad";
  return el("span", { class: "pill", "data-level": level }, outcome.error?.code ?? outcome.status);
}

/** @param {Outcome} outcome the figures in one line: time, memory, generation */
export function figures(outcome) {
  const parts = outcome.durationMs ? [formatMs(outcome.durationMs)] : ["never started"];
  if (outcome.memory.peakBytes) {
    parts.push(`${formatBytes(outcome.memory.bytes)}, peak ${formatBytes(outcome.memory.peakBytes)}`);
  }
  if (outcome.generation) parts.push(`gen ${outcome.generation}`);
  return parts.join(" · ");
}

/**
 * Message and cure, and every single problem with its own cure.
 * @param {CodedError} error
 * @param {boolean} [withCode] false where the code stands beside it already
 */
export function errorBlock(error, withCode = true) {
  const cure = CURES.get(error.code);
  return el(
    "div",
    { class: "error" },
    el("p", {}, withCode ? el("code", {}, error.code) : null, ` ${error.message}`),
    cure ? el("p", { class: "cure" }, cure) : null,
    problemList(error),
  );
}

/** @param {CodedError} error every single problem with its cure; null where there is one alone */
export function problemList({ details }) {
  if (!details?.length) return null;
  return el("ul", {}, ...details.map((d) => el("li", {}, el("code", {}, d.path), ` ${d.rule}. ${d.cure}`)));
}

/**
 * Puts a running call at the top of the table; the returned function fills in how it ended.
 * @param {string} plugin
 * @param {string} handler
 * @returns {(outcome: Outcome) => void}
 */
export function beginCall(plugin, handler) {
  const body = byId("calls", HTMLTableSectionElement);
  body.querySelector(".empty")?.remove();
  const result = el("td", {}, el("span", { class: "pill", "data-level": "wait" }, "running"));
  const time = el("td", { class: "number" });
  const memory = el("td", { class: "number" });
  body.prepend(el("tr", {}, el("th", { scope: "row" }, plugin, " ", el("code", {}, handler)), result, time, memory));
  while (body.rows.length > CALLS_SHOWN) body.deleteRow(-1);
  return (outcome) => {
    const note = outcome.status === "ok" ? "" : [outcome.status, outcome.layer].filter(Boolean).join(", ");
    result.replaceChildren(pill(outcome), note ? el("small", {}, ` ${note}`) : "");
    time.textContent = outcome.durationMs ? formatMs(outcome.durationMs) : "–";
    memory.textContent = outcome.memory.peakBytes ? formatBytes(outcome.memory.peakBytes) : "–";
  };
}

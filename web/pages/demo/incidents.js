// @ts-check
/** The misbehaviours: runs one, watches the page's frames meanwhile, then calls the plugin again to see it is back. */
import { el, formatMs } from "./dom.js";
import { LONG_FRAME_MS } from "./meter.js";

/** @typedef {import("./types.js").Outcome} Outcome */
/** @typedef {import("./meter.js").FrameMeter} FrameMeter */
/** @typedef {import("./meter.js").Span} Span */
/** @typedef {import("./slots.js").Slot} Slot */

export const MISBEHAVIOURS = [
  { id: "loop", label: "Endless loop", hint: "while True, and it swallows every exception" },
  { id: "hog", label: "Memory hog", hint: "allocates until there is no memory" },
  { id: "forge", label: "Forged message", hint: "posts raw messages past the guarded API" },
  { id: "fetch", label: "Forbidden fetch", hint: "tries every road to the network" },
];

/**
 * Runs one misbehaviour to its end and shows, in the plugin's card, what the agent gets instead.
 * @param {string} id
 * @param {Slot} slot
 * @param {FrameMeter} meter
 * @param {() => number} alertCount
 * @returns {Promise<string>} one sentence for a screen reader
 */
export async function misbehave(id, slot, meter, alertCount) {
  const label = MISBEHAVIOURS.find((item) => item.id === id)?.label ?? id;
  slot.card.busy(`${label} is running in its cell. Scroll, type, send a message: the page does not wait for it.`);
  slot.card.node.scrollIntoView({ block: "nearest" });
  const alertsBefore = alertCount();
  const endObserving = meter.observe();
  const outcome = await slot.call(id, { url: `${location.origin}/forbidden?card=4111111111111111` });
  const span = endObserving();
  const ended = performance.now();
  const next = await slot.call("answer", {});
  const backMs = performance.now() - ended;

  const facts = el(
    "dl",
    { class: "facts" },
    el("dt", {}, "This page"),
    frames(span),
    el("dt", {}, "Alerts"),
    el("dd", {}, String(alertCount() - alertsBefore)),
    el("dt", {}, "Next call"),
    nextCall(outcome, next, backMs),
  );
  const ending = endingOf(outcome);
  slot.card.show(outcome, [facts, ...attempts(outcome)], `${label}: ${ending}`);
  return `${label}: ${ending}${outcome.error ? `, ${outcome.error.code}` : ""}. Longest frame ${
    Math.round(span.longestMs)
  } milliseconds. Next call: ${next.status}.`;
}

/** @param {Outcome} outcome in a few words: how it ended, or how many of its attempts were stopped */
function endingOf(outcome) {
  const tried = attemptsOf(outcome);
  if (tried.length) return `${tried.filter(isStopped).length} of ${tried.length} attempts stopped`;
  return outcome.layer ? `${outcome.status} (${outcome.layer} layer)` : outcome.status;
}

/**
 * @param {Outcome} outcome
 * @returns {any[]} the plugin's own list of attempts, if it lived to report them
 */
const attemptsOf = (outcome) => (Array.isArray(outcome.value?.attempts) ? outcome.value.attempts : []);

/** @param {any} attempt */
const isStopped = (attempt) => attempt?.result === "stopped";

/** @param {Span} span */
function frames(span) {
  if (!span.frames) return el("dd", {}, "not measured: this tab was hidden, or it was over within a frame");
  const level = span.longestMs > LONG_FRAME_MS ? "bad" : "good";
  const rate = span.fps === null ? "" : `${Math.round(span.fps)} fps, `;
  return el("dd", { "data-level": level }, `${rate}longest frame ${Math.round(span.longestMs)} ms`);
}

/**
 * @param {Outcome} outcome
 * @param {Outcome} next
 * @param {number} backMs
 */
function nextCall(outcome, next, backMs) {
  if (next.status !== "ok") return el("dd", { "data-level": "bad" }, `${next.status} ${next.error?.code ?? ""}`);
  const before = outcome.generation, after = next.generation;
  const worker = before && after > before
    ? `by a fresh worker (generation ${before} → ${after})`
    : "by the same worker";
  return el("dd", { "data-level": "good" }, `ok, ${formatMs(backMs)} later, ${worker}`);
}

/** @param {Outcome} outcome */
function attempts(outcome) {
  const rows = attemptsOf(outcome).map((attempt) =>
    el(
      "li",
      {},
      el("span", { class: "pill", "data-level": isStopped(attempt) ? "good" : "bad" }, String(attempt?.result)),
      el("code", {}, String(attempt?.road)),
      el("small", {}, String(attempt?.said)),
    )
  );
  if (!rows.length) return [];
  return [
    el("p", { class: "lead" }, "What the plugin reports of its attempts"),
    el("ul", { class: "attempts" }, ...rows),
  ];
}

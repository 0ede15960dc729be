// @ts-check
/**
 * The page behind `pysandbox run`: fetches one job, runs it in a sandbox, posts the outcome back, and is done.
 * Opened as /pages/run.html#token=…; the token is good for one job and never leaves this origin.
 */
import { bytesAsBase64 } from "./playground/json.js";

/** What a page keeps of a plugin that never stops talking. */
const MAX_NOTES = 500;

/**
 * @typedef {object} Job
 * @property {string} origin the sandbox origin
 * @property {string} apiOrigin
 * @property {string} sessionToken
 * @property {string} [flow] a flow's JSON: then `data` is what it is run with, and there is no plugin to call
 * @property {{interaction?: unknown, webchat?: unknown, session?: unknown}} [data]
 * @property {string} plugin "id@version"
 * @property {string} handler
 * @property {unknown} payload
 * @property {number | null} timeoutMs
 * @property {number} bootTimeoutMs
 * @property {Record<string, unknown>} capabilities what each one answers
 */

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
history.replaceState(null, "", location.pathname);

/** @type {unknown[]} */
const logs = [];
/** @type {unknown[]} */
const alerts = [];
/** How long the call took as its caller sees it; null while there was none. @type {number | null} */
let elapsedMs = null;

if (token) await main();

async function main() {
  const answer = await fetch("/run/job", { headers: { authorization: `Bearer ${token}` }, cache: "no-store" });
  if (!answer.ok) return show(`The job was refused: ${await answer.text()}`);
  /** @type {Job} */
  const job = await answer.json();
  show(job.flow ? "Running a flow…" : `Running ${job.handler} of ${job.plugin}…`);
  const outcome = await run(job).catch(unavailable);
  const body = JSON.stringify({ outcome, logs, alerts, elapsedMs }, bytesAsBase64);
  const posted = await fetch("/run/result", {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body,
  });
  show(posted.ok ? `Done: ${outcome.status}` : `The outcome was refused: ${await posted.text()}`);
}

/**
 * @param {Job} job
 * @returns {Promise<{status: string, value?: unknown}>}
 */
async function run(job) {
  const { openSandbox } = await importClient(job.origin);
  const sandbox = await openSandbox({
    origin: job.origin,
    apiOrigin: job.apiOrigin,
    sessionToken: job.sessionToken,
    bootTimeoutMs: job.bootTimeoutMs,
    environment: "dev",
    queue: "default_support_queue",
    locale: navigator.language,
    capabilities: capabilities(job.capabilities),
    onSecurityAlert: (/** @type {unknown} */ alert) => note(alerts, alert),
  });
  try {
    if (job.flow) return { status: "ok", value: await runFlow(sandbox, job) };
    const plugin = await sandbox.load(job.plugin);
    plugin.on("log", (/** @type {unknown} */ line) => note(logs, line));
    const calledAt = performance.now();
    const outcome = await plugin.invoke(
      job.handler,
      job.payload,
      job.timeoutMs === null ? {} : { timeoutMs: job.timeoutMs },
    );
    elapsedMs = performance.now() - calledAt;
    return outcome;
  } finally {
    await sandbox.close();
  }
}

/**
 * @param {import("../pysandbox.d.ts").Sandbox} sandbox
 * @param {Job} job
 */
async function runFlow(sandbox, job) {
  const { interaction, ...more } = job.data ?? {};
  return await sandbox.runFlow(job.flow ?? "", interaction, { ...more, prepareMs: 2 * job.bootTimeoutMs });
}

/** @param {string} origin */
async function importClient(origin) {
  try {
    return await import(`${origin}/pysandbox.js`);
  } catch (problem) {
    throw { code: "BOOT_FAILED", message: `pysandbox.js could not be loaded from ${origin}: ${problem}` };
  }
}

/**
 * Each capability answers what the job says, a fresh copy each time, as a page's own function would.
 * @param {Record<string, unknown>} answers
 */
function capabilities(answers) {
  return Object.fromEntries(
    Object.entries(answers).map(([name, value]) => [name, () => structuredClone(value)]),
  );
}

/**
 * What openSandbox and load reject with, as the outcome of an invocation that never began.
 * @param {{code?: unknown, message?: unknown, retryable?: unknown, details?: unknown} | null | undefined} problem
 */
function unavailable(problem) {
  const error = {
    code: String(problem?.code ?? "BOOT_FAILED"),
    message: String(problem?.message ?? problem),
    retryable: problem?.retryable === true,
    ...(Array.isArray(problem?.details) ? { details: problem.details } : {}),
  };
  return {
    status: "unavailable",
    error,
    correlationId: "",
    durationMs: 0,
    memory: { bytes: 0, peakBytes: 0, source: "none" },
    generation: 0,
  };
}

/**
 * @param {unknown[]} list
 * @param {unknown} value
 */
function note(list, value) {
  if (list.length < MAX_NOTES) list.push(value);
}

/** @param {string} text */
function show(text) {
  const state = document.getElementById("state");
  if (state) state.textContent = text;
}

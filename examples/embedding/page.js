// @ts-check
/**
 * All that a page does to use plugins: open the sandbox once, load a plugin once, invoke it as often as needed.
 * Change the address below (here and in index.html's policy) to your sandbox origin.
 */
import { openSandbox } from "http://127.0.0.1:8901/pysandbox.js";

/** @typedef {import("http://127.0.0.1:8901/pysandbox.js").Plugin} Plugin */
/** @typedef {import("http://127.0.0.1:8901/pysandbox.js").Outcome} Outcome */

/** @type {Promise<Plugin> | undefined} */
let loading;

/**
 * Opens the sandbox and loads the plugin, once. Both reject with a coded error that says what to do.
 * @param {string} sessionToken what the platform gave this user
 * @returns {Promise<Plugin>}
 */
async function loadPlugin(sessionToken) {
  const sandbox = await openSandbox({
    sessionToken,
    environment: "dev",
    queue: "default_support_queue",
    locale: "en-GB",
    // What plugins may ask this page for, by permission name. What is not here is denied.
    capabilities: {
      "webchat:session:read": (_args, { pluginId }) => {
        console.log(`${pluginId} reads the session`);
        return { tier: "gold", language: "en", openTickets: 2 };
      },
    },
    onSecurityAlert: (alert) => console.warn("security alert", alert),
  });
  const plugin = await sandbox.load("com.vendor.risk-scoring");
  plugin.on("log", ({ level, message }) => console.log(`${plugin.pluginId} ${level}: ${message}`));
  return plugin;
}

/**
 * What an agent sees: the score, or why there is none. The page goes on either way.
 * @param {Outcome} outcome
 * @returns {string}
 */
function summary({ status, value, error, durationMs }) {
  const took = `${durationMs.toFixed(0)} ms`;
  switch (status) {
    case "ok":
      return `Risk ${value.band} (${value.score}), ${took}`;
    case "timeout":
      return `No score in time (${took}): going on without it`;
    case "denied":
      return `The plugin lacks a permission: ${error?.message}`;
    default: // error, aborted, killed, unavailable
      return `No score (${error?.code}): ${error?.message}`;
  }
}

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

const form = byId("form", HTMLFormElement);
const state = byId("state", HTMLElement);
const answer = byId("answer", HTMLPreElement);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = byId("message", HTMLTextAreaElement).value;
  state.textContent = "Working…";
  try {
    loading ??= loadPlugin(byId("token", HTMLInputElement).value.trim());
    const plugin = await loading;
    const outcome = await plugin.invoke("evaluate", { customerId: "c-1", message }, { timeoutMs: 2500 });
    state.textContent = summary(outcome);
    answer.textContent = JSON.stringify(outcome, null, 2);
    answer.hidden = false;
  } catch (problem) {
    loading = undefined; // the next press tries again
    const { code, message: why } = /** @type {{code?: string, message?: string}} */ (problem);
    state.textContent = `${code ?? "ERROR"}: ${why ?? problem}`;
  }
});

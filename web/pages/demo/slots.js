// @ts-check
/** A slot is one plugin's place on the page: it loads the plugin, calls it, and keeps its card honest. */
import { Card } from "./card.js";
import { beginCall, codedError } from "./outcome.js";

/** @typedef {import("./types.js").Outcome} Outcome */
/** @typedef {import("./types.js").Plugin} Plugin */
/** @typedef {import("./types.js").Sandbox} Sandbox */

export class Slot {
  /** @type {Promise<Plugin>} */
  #plugin;
  #title;

  /**
   * @param {Promise<Sandbox>} sandbox
   * @param {{ title: string, ref: string, empty: string }} about
   */
  constructor(sandbox, about) {
    this.ref = about.ref;
    this.card = new Card(about.title, about.ref, about.empty);
    this.#title = about.title;
    this.#plugin = this.#load(sandbox);
  }

  /** @returns {Promise<boolean>} whether the plugin loaded, once that is known */
  loaded() {
    return this.#plugin.then(() => true, () => false);
  }

  /**
   * One invocation, in the table from start to end. Never rejects: a plugin that is not there is an outcome too.
   * @param {string} handler
   * @param {unknown} payload
   * @returns {Promise<Outcome>}
   */
  async call(handler, payload) {
    const end = beginCall(this.#title, handler);
    const outcome = await this.#plugin.then((plugin) => plugin.invoke(handler, payload)).catch(notLoaded);
    end(outcome);
    return outcome;
  }

  /** @param {Promise<Sandbox>} sandbox */
  #load(sandbox) {
    const loading = sandbox.then((open) => open.load(this.ref));
    loading.then(
      (plugin) => this.card.ready(`${plugin.pluginId} ${plugin.version}`),
      async (reason) => {
        const open = await sandbox.then(() => true, () => false); // if not, the banner says why
        if (open) this.card.failed(codedError(reason), () => this.#again(sandbox));
        else this.card.idle("No sandbox, so no plugin.");
      },
    );
    return loading;
  }

  /** @param {Promise<Sandbox>} sandbox */
  #again(sandbox) {
    this.card.busy("Loading…");
    this.#plugin = this.#load(sandbox);
  }
}

/**
 * @param {unknown} reason
 * @returns {Outcome}
 */
function notLoaded(reason) {
  const memory = { bytes: 0, peakBytes: 0, source: "none" };
  return { status: "unavailable", error: codedError(reason), correlationId: "", durationMs: 0, memory, generation: 0 };
}

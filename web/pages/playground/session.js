// @ts-check
/** The open sandbox and the plugin in it, loaded again when its folder changed. */
import { sandboxOrigin, sessionToken } from "./api.js";

/**
 * @typedef {import("../demo/types.js").Plugin} Plugin
 * @typedef {import("../demo/types.js").Sandbox} Sandbox
 * @typedef {import("./permissions.js").Permissions} Permissions
 */

const BOOT_MS = 30_000;

export class Session {
  /** @type {Sandbox | null} */
  sandbox = null;
  /** @type {Plugin | null} */
  plugin = null;
  #granted = "";
  #permissions;
  #onNote;

  /**
   * @param {Permissions} permissions
   * @param {(kind: "log" | "progress" | "event" | "alert", detail: any) => void} onNote
   */
  constructor(permissions, onNote) {
    this.#permissions = permissions;
    this.#onNote = onNote;
  }

  /**
   * Loads what the folder holds now. A session's grants are of its beginning, so other permissions need another one.
   * @param {string} ref
   * @returns {Promise<Plugin>}
   */
  async load(ref) {
    const wanted = this.#permissions.names().join(" ");
    if (!this.sandbox || wanted !== this.#granted) await this.#open(wanted);
    await this.plugin?.unload().catch(() => null); // it may be gone already, which is what is wanted
    this.plugin = null;
    const plugin = await /** @type {Sandbox} */ (this.sandbox).load(ref);
    for (const kind of /** @type {const} */ (["log", "progress", "event"])) {
      plugin.on(kind, (/** @type {any} */ detail) => this.#onNote(kind, detail));
    }
    for (const name of this.#permissions.denied()) await plugin.revoke(name);
    this.plugin = plugin;
    return plugin;
  }

  /** @param {string} wanted */
  async #open(wanted) {
    await this.sandbox?.close();
    this.sandbox = this.plugin = null;
    const { openSandbox } = await import(new URL("/pysandbox.js", sandboxOrigin).href);
    /** @type {Sandbox} */
    const opened = await openSandbox({
      origin: sandboxOrigin,
      sessionToken,
      bootTimeoutMs: BOOT_MS,
      environment: "dev",
      queue: "default_support_queue",
      capabilities: this.#permissions.capabilities(),
      // Closed by itself, because its host died: the next load opens another.
      onStateChange: (/** @type {string} */ state) => {
        if (state === "closed" && this.sandbox === opened) this.sandbox = this.plugin = null;
      },
      onSecurityAlert: (/** @type {unknown} */ alert) => this.#onNote("alert", alert),
    });
    this.sandbox = opened;
    this.#granted = wanted;
  }
}

/**
 * What a page loads: opens the sandbox in a hidden frame, and speaks with the host worker over one MessagePort.
 *
 * Small on purpose: every rule is checked on the other side. What lives here is the handshake, the page's own
 * capabilities, and the last timer of every invocation.
 */
import type * as api from "./pysandbox.d.ts";
import { join, split } from "./binary.ts";
import { DEFAULT_BOOT_MS, GRACE_MS, MAX_MEMORY_MB, MIN_MEMORY_MB } from "./protocol.gen.ts";
import { connect } from "./handshake.ts";
import { type Loaded, PluginClient } from "./plugin_client.ts";
import { SandboxError } from "./sandbox_error.ts";
import { PagePort } from "./page_port.ts";
import type { SpareWish } from "./wire.ts";

export { SandboxError };

const MAX_SPARES = 4;

export async function openSandbox(options: api.SandboxOptions): Promise<api.Sandbox> {
  const origin = new URL(options.origin ?? import.meta.url).origin;
  const deadline = performance.now() + (options.bootTimeoutMs ?? DEFAULT_BOOT_MS);
  if (typeof options.sessionToken !== "string" || options.sessionToken === "") {
    throw new SandboxError("INPUT_INVALID", "openSandbox needs sessionToken, the token the platform gave this user");
  }
  const spares = wishOf(options.spares ?? 1);
  options.onStateChange?.("opening");
  const link = await connect(origin, spares, deadline);
  const client = new Client(options, link.port, () => link.frame.remove());
  link.onFailure = (code, message) => {
    if (code === "PROTOCOL_VIOLATION") { // a second `ready` or `init`: of the sandbox itself, so no plugin is named
      options.onSecurityAlert?.({ code, rule: "handshake", pluginId: "", generation: 0, evidence: "" });
    }
    client.fail(new SandboxError(code, message));
  };
  try {
    await client.open(deadline);
  } catch (error) {
    client.shut();
    throw error;
  }
  options.onStateChange?.("open");
  return client;
}

/** The open sandbox. */
class Client implements api.Sandbox {
  readonly #port: PagePort;
  readonly #plugins = new Map<string, PluginClient>();
  readonly #calls = new Map<string, AbortController>();
  #closed = false;

  constructor(readonly options: api.SandboxOptions, port: MessagePort, private readonly remove: () => void) {
    this.#port = new PagePort(port, {
      call: (id, cid, payload, buffers) => this.#capability(id, cid, join(payload, buffers)),
      withdraw: (_handle, _cid, payload) => this.#calls.get(JSON.parse(payload))?.abort(),
      alert: (_handle, _cid, payload) => options.onSecurityAlert?.(JSON.parse(payload)),
      event: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("event", payload),
      progress: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("progress", payload),
      log: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("log", payload),
      state: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("state", payload),
      limits: (handle, _cid, payload) => this.#plugins.get(handle)?.hit(JSON.parse(payload)),
      fatal: (_id, _cid, payload) => {
        const { code, message } = JSON.parse(payload);
        this.fail(new SandboxError(code, message));
      },
    });
  }

  async open(deadline: number): Promise<void> {
    const { sessionToken, environment = "", queue = "", locale = navigator.language, capabilities = {} } = this.options;
    const asked = { sessionToken, environment, queue, locale, capabilities: Object.keys(capabilities) };
    await this.#port.ask("open", { payload: JSON.stringify(asked) }, deadline);
  }

  async load(name: string): Promise<api.Plugin> {
    if (this.#closed) throw new SandboxError("SESSION_CLOSED", "this sandbox was closed; open a new one");
    const deadline = performance.now() + 2 * (this.options.bootTimeoutMs ?? DEFAULT_BOOT_MS);
    const loaded = await this.#port.ask<Loaded>("load", { method: String(name) }, deadline);
    const plugin = new PluginClient(loaded, this.#port, this.options);
    this.#plugins.set(loaded.handle, plugin);
    return plugin;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#port.ask("close", {}, performance.now() + GRACE_MS).catch(() => {}); // it ends with its frame anyway
    this.fail(new SandboxError("SESSION_CLOSED", "this sandbox was closed; open a new one"));
  }

  /** Everything that waits ends with `error`, and the frame goes. */
  fail(error: SandboxError): void {
    this.#closed = true;
    this.shut();
    for (const plugin of this.#plugins.values()) plugin.lost(error);
    this.#port.fail(error);
    this.options.onStateChange?.("closed");
  }

  shut(): void {
    for (const call of this.#calls.values()) call.abort();
    this.remove();
  }

  async #capability(id: string, cid: string, asked: { to: string; permission: string; args: unknown }): Promise<void> {
    const { to, permission } = asked;
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const capability = this.options.capabilities?.[permission];
      if (!capability) throw new Error(`the page provides nothing for ${permission}`);
      const pluginId = this.#plugins.get(to)?.pluginId ?? "";
      const value = await capability(asked.args, { signal: controller.signal, pluginId, correlationId: cid });
      this.#port.tell("result", { id, cid, to, ...split(value ?? null) });
    } catch (error) {
      // The plugin learns that it failed, and nothing of the page's own stack or text.
      console.error(`pysandbox: the capability ${permission} failed`, error);
      const body = { code: "CAPABILITY_FAILED", message: `the page's ${permission} failed` };
      this.#port.tell("error", { id, cid, to, payload: JSON.stringify(body) });
    } finally {
      this.#calls.delete(id);
    }
  }
}

/** How many spares and of which class; what makes no sense is refused, not mended in silence. */
function wishOf(spares: number | api.Spares): SpareWish {
  const { count, memoryMB } = typeof spares === "number" ? { count: spares, memoryMB: undefined } : spares;
  const classOk = memoryMB === undefined || (Number.isInteger(memoryMB) && memoryMB >= MIN_MEMORY_MB && memoryMB <= MAX_MEMORY_MB);
  if (Number.isInteger(count) && count >= 0 && count <= MAX_SPARES && classOk) return { count, memoryMB };
  throw new SandboxError(
    "INPUT_INVALID",
    `spares is a whole number from 0 to ${MAX_SPARES}, or {count, memoryMB} with memoryMB from ${MIN_MEMORY_MB} to ${MAX_MEMORY_MB}`,
  );
}

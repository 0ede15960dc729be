/**
 * What a page loads: opens the sandbox in a hidden frame, and speaks with the host worker over one MessagePort.
 *
 * Small on purpose: every rule is checked on the other side. What lives here is the handshake, the page's own
 * capabilities, and the last timer of every invocation.
 */
import type * as api from "./pysandbox.d.ts";
import { join, split } from "./binary.ts";
import { DEFAULT_BOOT_MS, MAX_MEMORY_MB, MIN_MEMORY_MB } from "./protocol.gen.ts";
import { Flows } from "./flow_client.ts";
import { connect } from "./handshake.ts";
import { type Loaded, PluginClient } from "./plugin_client.ts";
import { SandboxError } from "./sandbox_error.ts";
import { PagePort } from "./page_port.ts";
import type { SpareWish } from "./wire.ts";

export { SandboxError };

const CLOSE_MS = 1000; // for the gateway to hear that the session is over
const MAX_SPARES = 4;
const MAX_RESTARTS = 3; // of the host, none of which lasted
const STEADY_MS = 60_000; // one that lasted this long has lasted

export async function openSandbox(options: api.SandboxOptions): Promise<api.Sandbox> {
  if (typeof options.sessionToken !== "string" || options.sessionToken === "") {
    throw new SandboxError("INPUT_INVALID", "openSandbox needs sessionToken, the token the platform gave this user");
  }
  const client = new Client(options, wishOf(options.spares ?? 1));
  await client.start();
  return client;
}

/** The open sandbox. Should the host behind it die, it starts another in its place and loads the plugins again. */
class Client implements api.Sandbox {
  readonly #plugins = new Map<string, PluginClient>(); // by the host's handle
  readonly #loaded = new Set<PluginClient>(); // whichever host they are in
  readonly #calls = new Map<string, AbortController>();
  readonly #flows = new Flows(async () => {
    await this.#restarting;
    return this.#openPort();
  });
  #port: PagePort | undefined;
  #frame: HTMLIFrameElement | undefined;
  #closed = false;
  #openedAt = 0;
  #restarts = 0;
  #restarting: Promise<void> | undefined;

  constructor(readonly options: api.SandboxOptions, private readonly spares: SpareWish) {}

  /** Connects to a host of its own and opens the session. Rejects with a coded error, and leaves nothing then. */
  async start(): Promise<void> {
    const { options } = this;
    const origin = new URL(options.origin ?? import.meta.url).origin;
    const deadline = performance.now() + (options.bootTimeoutMs ?? DEFAULT_BOOT_MS);
    options.onStateChange?.("opening");
    const link = await connect(origin, this.spares, deadline);
    this.#frame = link.frame;
    const port = this.#port = this.#speak(link.port);
    link.onFailure = (code, message) => {
      if (code === "PROTOCOL_VIOLATION") { // a second `ready` or `init`: of the sandbox itself, so no plugin is named
        options.onSecurityAlert?.({ code, rule: "handshake", pluginId: "", generation: 0, evidence: "" });
      }
      const error = new SandboxError(code, message);
      if (code === "HOST_CRASHED" && this.#openedAt > 0 && !this.#closed) this.#crashed(error);
      else this.fail(error);
    };
    const { sessionToken, environment = "", queue = "", locale = navigator.language, capabilities = {} } = options;
    const asked = { sessionToken, environment, queue, locale, capabilities: Object.keys(capabilities) };
    try {
      await port.ask("open", { payload: JSON.stringify(asked) }, deadline);
    } catch (error) {
      this.#shut();
      throw error;
    }
    this.#openedAt = performance.now();
    options.onStateChange?.("open");
  }

  #speak(port: MessagePort): PagePort {
    const { options } = this;
    return new PagePort(port, {
      call: (id, cid, payload, buffers) => this.#capability(id, cid, join(payload, buffers)),
      withdraw: (_handle, _cid, payload) => this.#calls.get(JSON.parse(payload))?.abort(),
      alert: (_handle, _cid, payload) => options.onSecurityAlert?.(JSON.parse(payload)),
      event: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("event", payload),
      progress: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("progress", payload),
      log: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("log", payload),
      state: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("state", payload),
      step: (id, _cid, payload) => this.#flows.heard(id, payload),
      limits: (handle, _cid, payload) => this.#plugins.get(handle)?.hit(JSON.parse(payload)),
      fatal: (_id, _cid, payload) => {
        const { code, message } = JSON.parse(payload);
        this.fail(new SandboxError(code, message));
      },
    });
  }

  async load(name: string): Promise<api.Plugin> {
    await this.#restarting;
    const [loaded, port] = await this.#load(String(name));
    const plugin = new PluginClient(loaded, port, this.options);
    this.#plugins.set(loaded.handle, plugin);
    this.#loaded.add(plugin);
    return plugin;
  }

  async #load(name: string, revoked: string[] = []): Promise<[Loaded, PagePort]> {
    const port = this.#openPort();
    const deadline = performance.now() + 2 * (this.options.bootTimeoutMs ?? DEFAULT_BOOT_MS);
    const payload = JSON.stringify({ revoked });
    return [await port.ask<Loaded>("load", { method: name, payload }, deadline), port];
  }

  async memory(): Promise<api.SandboxMemory> {
    await this.#restarting;
    return await this.#openPort().ask("memory", {}, performance.now() + DEFAULT_BOOT_MS);
  }

  runFlow(flow: api.FlowDefinition | string, interaction: unknown = {}, options: api.FlowOptions = {}): Promise<api.FlowRun> {
    return this.#flows.run(flow, interaction, options);
  }

  #openPort(): PagePort {
    if (this.#closed || !this.#port) throw new SandboxError("SESSION_CLOSED", "this sandbox was closed; open a new one");
    return this.#port;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#port?.ask("close", {}, performance.now() + CLOSE_MS).catch(() => {}); // it ends with its frame anyway
    this.fail(new SandboxError("SESSION_CLOSED", "this sandbox was closed; open a new one"));
  }

  /** Everything that waits ends with `error`, and the frame goes. */
  fail(error: SandboxError): void {
    this.#closed = true;
    this.#drop(error);
    this.options.onStateChange?.("closed");
  }

  #drop(error: SandboxError): void {
    this.#shut();
    for (const plugin of this.#loaded) {
      if (plugin.unloaded) this.#loaded.delete(plugin);
      else plugin.lost(error);
    }
    this.#port?.fail(error);
  }

  /** Every pending call has its outcome at once; then another host, and in it the same plugins. */
  #crashed(error: SandboxError): void {
    this.#drop(error);
    this.#restarts = performance.now() - this.#openedAt > STEADY_MS ? 1 : this.#restarts + 1;
    if (this.#restarts > MAX_RESTARTS) return this.fail(error);
    this.#restarting = this.#restart().catch((problem) => this.fail(problem)).finally(() => this.#restarting = undefined);
  }

  async #restart(): Promise<void> {
    this.#plugins.clear();
    await this.start();
    await Promise.all([...this.#loaded].map(async (plugin) => {
      try {
        const [loaded, port] = await this.#load(`${plugin.pluginId}@${plugin.version}`, [...plugin.revoked]);
        this.#plugins.set(loaded.handle, plugin);
        plugin.moveTo(loaded, port);
      } catch (problem) {
        plugin.lost(problem as SandboxError);
      }
    }));
  }

  #shut(): void {
    for (const call of this.#calls.values()) call.abort();
    this.#frame?.remove();
  }

  async #capability(id: string, cid: string, asked: Asked): Promise<void> {
    const { to, pluginId, permission } = asked;
    const port = this.#port;
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const capability = this.options.capabilities?.[permission];
      if (!capability) throw new Error(`the page provides nothing for ${permission}`);
      const value = await capability(asked.args, { signal: controller.signal, pluginId, correlationId: cid });
      port?.tell("result", { id, cid, to, ...split(value ?? null) });
    } catch (error) {
      // The plugin learns that it failed, and nothing of the page's own stack or text.
      console.error(`pysandbox: the capability ${permission} failed`, error);
      const body = { code: "CAPABILITY_FAILED", message: `the page's ${permission} failed` };
      port?.tell("error", { id, cid, to, payload: JSON.stringify(body) });
    } finally {
      this.#calls.delete(id);
    }
  }
}

/** What a plugin, or a flow, asks of the page. */
interface Asked {
  to: string;
  pluginId: string;
  permission: string;
  args: unknown;
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

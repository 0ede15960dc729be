/**
 * What a page loads: opens the sandbox in a hidden frame, and speaks with the host worker over one MessagePort.
 *
 * Small on purpose: every rule is checked on the other side. What lives here is the handshake, the page's own
 * capabilities, and the last timer of every invocation.
 */
import type * as api from "./pysandbox.d.ts";
import { DEFAULT_BOOT_MS, GRACE_MS } from "./protocol.gen.ts";
import { connect } from "./handshake.ts";
import { SandboxError } from "./sandbox_error.ts";
import { PagePort } from "./page_port.ts";

export { SandboxError };

const PAGE_MARGIN_MS = 150; // after the hard limit, for the outcome, which knows more, to arrive by itself
const MAX_SPARES = 4;

interface Loaded {
  handle: string;
  pluginId: string;
  version: string;
  handlers: string[];
  permissions: string[];
  maxExecutionTimeMs: number;
}

export async function openSandbox(options: api.SandboxOptions): Promise<api.Sandbox> {
  const origin = new URL(options.origin ?? import.meta.url).origin;
  const deadline = performance.now() + (options.bootTimeoutMs ?? DEFAULT_BOOT_MS);
  if (typeof options.sessionToken !== "string" || options.sessionToken === "") {
    throw new SandboxError("INPUT_INVALID", "openSandbox needs sessionToken, the token the platform gave this user");
  }
  const spares = Math.min(MAX_SPARES, Math.max(0, Math.trunc(options.spares ?? 1)));
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
      call: (id, cid, payload) => this.#capability(id, cid, JSON.parse(payload)),
      withdraw: (_handle, _cid, payload) => this.#calls.get(JSON.parse(payload))?.abort(),
      alert: (_handle, _cid, payload) => options.onSecurityAlert?.(JSON.parse(payload)),
      event: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("event", payload),
      progress: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("progress", payload),
      log: (handle, _cid, payload) => this.#plugins.get(handle)?.tell("log", payload),
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
      this.#port.tell("result", { id, cid, to, payload: JSON.stringify(value ?? null) });
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

type Listener = (detail: unknown) => void;

class PluginClient implements api.Plugin {
  readonly pluginId: string;
  readonly version: string;
  readonly handlers: string[];
  readonly permissions: string[];
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #open = new Set<(error: SandboxError, layer?: "page") => void>();
  #lost: SandboxError | undefined;

  constructor(
    private readonly loaded: Loaded,
    private readonly port: PagePort,
    private readonly options: api.SandboxOptions,
  ) {
    ({ pluginId: this.pluginId, version: this.version, handlers: this.handlers, permissions: this.permissions } =
      loaded);
  }

  invoke(handler: string, payload: unknown = null, options: api.InvokeOptions = {}): Promise<api.Outcome> {
    const startedAt = performance.now();
    const cid = options.correlationId ?? correlationId();
    const limit = this.loaded.maxExecutionTimeMs;
    return new Promise((resolve) => {
      let done = false;
      const finish = (outcome: api.Outcome) => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        this.#open.delete(lost);
        options.signal?.removeEventListener("abort", abort);
        resolve(outcome);
        this.#telemetry(handler, outcome);
      };
      const lost = (error: SandboxError, layer?: "page") => {
        const status = error.code === "PLUGIN_TIMEOUT" ? "timeout" : statusOf(error.code);
        finish({
          status,
          error: { code: error.code, message: error.message, retryable: error.retryable },
          ...(layer && { layer }),
          correlationId: cid,
          durationMs: performance.now() - startedAt,
          memory: { bytes: 0, peakBytes: 0, source: "none" },
          generation: 0,
        });
      };
      const bad = badInvoke(handler, cid, options);
      const text = bad ? undefined : jsonText(payload);
      const timeoutMs = Math.min(limit, options.timeoutMs ?? limit);
      const abort = () => this.port.tell("abort", { id, cid, to: this.loaded.handle });
      let timer = 0;
      let id = "";
      if (this.#lost) return lost(this.#lost);
      if (bad || text === undefined) {
        return lost(new SandboxError("INPUT_INVALID", bad || "the payload is no JSON value: send plain data"));
      }
      if (options.signal?.aborted) return lost(new SandboxError("PLUGIN_ABORTED", "the caller aborted the invocation"));
      this.#open.add(lost);
      const message = { cid, to: this.loaded.handle, method: handler, payload: text, deadlineMs: timeoutMs };
      id = this.port.invoke(message, (outcome) => finish(JSON.parse(outcome)));
      options.signal?.addEventListener("abort", abort, { once: true });
      timer = setTimeout(() => {
        lost(new SandboxError("PLUGIN_TIMEOUT", "the sandbox did not answer by the hard limit"), "page");
      }, timeoutMs + GRACE_MS + PAGE_MARGIN_MS);
    });
  }

  on<K extends keyof api.PluginEvents>(kind: K, listener: (detail: api.PluginEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener as Listener));
    return () => listeners.delete(listener as Listener);
  }

  async revoke(permission: string): Promise<void> {
    await this.#ask("revoke", { method: permission });
  }

  async unload(): Promise<void> {
    await this.#ask("unload", {});
    this.lost(new SandboxError("PLUGIN_NOT_LOADED", "the plugin was unloaded"));
  }

  #ask(kind: string, more: { method?: string }): Promise<unknown> {
    return this.port.ask(kind, { to: this.loaded.handle, ...more }, performance.now() + DEFAULT_BOOT_MS);
  }

  tell(kind: string, payload: string): void {
    const detail = JSON.parse(payload);
    for (const listener of this.#listeners.get(kind) ?? []) listener(detail);
  }

  lost(error: SandboxError): void {
    this.#lost = error;
    for (const end of [...this.#open]) end(error);
  }

  #telemetry(handler: string, outcome: api.Outcome): void {
    const { environment = "", queue = "" } = this.options;
    this.options.onTelemetry?.({
      timestamp: new Date().toISOString(),
      correlationId: outcome.correlationId,
      pluginId: this.pluginId,
      handler,
      status: outcome.status,
      errorCode: outcome.error?.code ?? null,
      durationMs: outcome.durationMs,
      memoryBytes: outcome.memory.bytes,
      environment,
      queue,
    });
  }
}

function statusOf(code: string): api.Outcome["status"] {
  if (code === "PLUGIN_ABORTED") return "aborted";
  return code === "INPUT_INVALID" ? "error" : "unavailable";
}

function badInvoke(handler: unknown, cid: string, options: api.InvokeOptions): string {
  if (typeof handler !== "string" || !/^[A-Za-z0-9_.:\-]{1,128}$/.test(handler)) return "the handler's name is no name";
  if (!/^[A-Za-z0-9_.:\-]{1,64}$/.test(cid)) return "correlationId has 1 to 64 of the characters A-Z a-z 0-9 _ . : -";
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs >= 1)) {
    return "timeoutMs is a finite number of milliseconds, at least 1";
  }
  return "";
}

/** JSON text, or undefined for what JSON has no word for. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // a cycle or a BigInt: the caller is told so
  }
}

function correlationId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return "ps-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

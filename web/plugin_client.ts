/**
 * One loaded plugin as the page sees it: invocations, each with a last timer of the page's own, and what is told.
 *
 * The last timer decides nothing as long as the sandbox lives: the watchdog's word comes before it, and as a message,
 * which a hidden tab does not hold back as it does the page's timers. It is there for a sandbox that says nothing.
 */
import type * as api from "./pysandbox.d.ts";
import { type Parcel, split } from "./binary.ts";
import { DEFAULT_BOOT_MS, GRACE_MS, PAGE_MARGIN_MS } from "./protocol.gen.ts";
import type { PagePort } from "./page_port.ts";
import { SandboxError } from "./sandbox_error.ts";

const HEAR_MS = 40; // what had arrived before the timer ran is heard within this

/** The host's answer to `load`. */
export interface Loaded {
  handle: string;
  pluginId: string;
  version: string;
  handlers: string[];
  permissions: string[];
  maxExecutionTimeMs: number;
}

type Listener = (detail: unknown) => void;

export class PluginClient implements api.Plugin {
  readonly pluginId: string;
  readonly version: string;
  readonly handlers: string[];
  readonly permissions: string[];
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #open = new Set<(error: SandboxError, layer?: "page") => void>();
  #lost: SandboxError | undefined;
  #hits: Record<string, number> = {};
  /** What stays revoked in another host too. */
  readonly revoked = new Set<string>();
  unloaded = false;

  constructor(
    private loaded: Loaded,
    private port: PagePort,
    private readonly options: api.SandboxOptions,
  ) {
    ({ pluginId: this.pluginId, version: this.version, handlers: this.handlers, permissions: this.permissions } =
      loaded);
  }

  invoke(handler: string, payload: unknown = null, options: api.InvokeOptions = {}): Promise<api.Outcome> {
    const startedAt = performance.now();
    const { cid, signal, timeoutMs, bad } = asked(handler, options, this.loaded.maxExecutionTimeMs);
    return new Promise((resolve) => {
      let done = false;
      const finish = (outcome: api.Outcome) => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        this.#open.delete(lost);
        signal?.removeEventListener("abort", abort);
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
      const abort = () => this.port.tell("abort", { id, cid, to: this.loaded.handle });
      let timer = 0;
      let id = "";
      if (this.#lost) return lost(this.#lost);
      if (bad) return lost(new SandboxError("INPUT_INVALID", bad));
      if (signal?.aborted) return lost(new SandboxError("PLUGIN_ABORTED", "the caller aborted the invocation"));
      let parcel: Parcel;
      try {
        parcel = split(payload);
      } catch (error) {
        return lost(error as SandboxError);
      }
      this.#open.add(lost);
      const message = { cid, to: this.loaded.handle, method: handler, deadlineMs: timeoutMs, ...parcel };
      id = this.port.invoke(message, finish);
      signal?.addEventListener("abort", abort, { once: true });
      const last = () => lost(new SandboxError("PLUGIN_TIMEOUT", "the sandbox did not answer by the hard limit"), "page");
      // In two steps: where the page stood still, its timer may run before the outcome that waits to be heard.
      timer = setTimeout(() => timer = setTimeout(last, HEAR_MS), timeoutMs + GRACE_MS + PAGE_MARGIN_MS);
    });
  }

  on<K extends keyof api.PluginEvents>(kind: K, listener: (detail: api.PluginEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener as Listener));
    return () => listeners.delete(listener as Listener);
  }

  async revoke(permission: string): Promise<void> {
    this.revoked.add(permission);
    await this.#ask("revoke", { method: String(permission) });
  }

  async unload(): Promise<api.CleanupReport> {
    const report = await this.#ask<api.CleanupReport>("unload", {});
    this.unloaded = true;
    this.lost(new SandboxError("PLUGIN_NOT_LOADED", "the plugin was unloaded"));
    return report;
  }

  /** Goes on in another host, in which it was loaded again. */
  moveTo(loaded: Loaded, port: PagePort): void {
    [this.loaded, this.port] = [loaded, port];
    this.#lost = undefined;
  }

  #ask<T>(kind: string, more: { method?: string }): Promise<T> {
    return this.port.ask(kind, { to: this.loaded.handle, ...more }, performance.now() + DEFAULT_BOOT_MS);
  }

  tell(kind: string, payload: string): void {
    const detail = JSON.parse(payload);
    for (const listener of this.#listeners.get(kind) ?? []) listener(detail);
  }

  /** Budgets that the plugin ran into, by name: told with its next telemetry record. */
  hit(limits: Record<string, number>): void {
    for (const [name, count] of Object.entries(limits)) this.#hits[name] = (this.#hits[name] ?? 0) + count;
  }

  lost(error: SandboxError): void {
    this.#lost = error;
    for (const end of [...this.#open]) end(error);
  }

  #telemetry(handler: string, outcome: api.Outcome): void {
    const { environment = "", queue = "" } = this.options;
    const limitsHit = this.#hits;
    this.#hits = {};
    this.options.onTelemetry?.({
      timestamp: new Date().toISOString(),
      correlationId: outcome.correlationId,
      pluginId: this.pluginId,
      handler,
      status: outcome.status,
      errorCode: outcome.error?.code ?? null,
      layer: outcome.layer ?? null,
      generation: outcome.generation,
      durationMs: outcome.durationMs,
      memoryBytes: outcome.memory.bytes,
      limitsHit,
      environment,
      queue,
    });
  }
}

function statusOf(code: string): api.Outcome["status"] {
  if (code === "PLUGIN_ABORTED") return "aborted";
  return code === "INPUT_INVALID" || code === "MESSAGE_LIMIT" ? "error" : "unavailable";
}

interface Asked {
  cid: string;
  signal?: AbortSignal;
  timeoutMs: number;
  /** What is wrong with it, if something is. */
  bad: string;
}

/** The options of `invoke`, read once: a page may pass anything, its getters may throw, and `invoke` never rejects. */
function asked(handler: unknown, options: api.InvokeOptions | null, limit: number): Asked {
  const nothing = { cid: correlationId(), timeoutMs: limit };
  try {
    const { correlationId: cid = null, signal = null, timeoutMs = null } = options ?? {};
    const bad = badInvoke(handler, cid, signal, timeoutMs);
    if (bad) return { ...nothing, cid: isId(cid) ? cid : nothing.cid, bad };
    return {
      cid: cid ?? nothing.cid,
      ...(signal && { signal }),
      timeoutMs: Math.min(limit, timeoutMs ?? limit),
      bad,
    };
  } catch {
    return { ...nothing, bad: "the options cannot be read" };
  }
}

function badInvoke(handler: unknown, cid: unknown, signal: unknown, timeoutMs: unknown): string {
  if (typeof handler !== "string" || !/^[A-Za-z0-9_.:\-]{1,128}$/.test(handler)) return "the handler's name is no name";
  if (cid !== null && !isId(cid)) return "correlationId has 1 to 64 of the characters A-Z a-z 0-9 _ . : -";
  if (signal !== null && !isSignal(signal)) return "signal is an AbortSignal";
  if (timeoutMs !== null && !(typeof timeoutMs === "number" && Number.isFinite(timeoutMs) && timeoutMs >= 1)) {
    return "timeoutMs is a finite number of milliseconds, at least 1";
  }
  return "";
}

/** By what it is, which holds across frames too. */
function isSignal(signal: unknown): boolean {
  try {
    return typeof Reflect.get(AbortSignal.prototype, "aborted", signal) === "boolean";
  } catch {
    return false;
  }
}

/** A number that looks like one is none: the host takes text. */
function isId(cid: unknown): cid is string {
  return typeof cid === "string" && /^[A-Za-z0-9_.:\-]{1,64}$/.test(cid);
}

function correlationId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return "ps-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

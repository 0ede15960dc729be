/** pysandbox.js, loaded by a webchat or desktop page. See the README for a page that uses it. */

export interface CapabilityCall {
  /** Aborted when the plugin no longer waits for the answer. */
  signal: AbortSignal;
  /** Who asks: "" where a flow does. */
  pluginId: string;
  correlationId: string;
}

/**
 * What a permission opens. Its value goes to the plugin as JSON, with bytes where it holds an ArrayBuffer or Uint8Array;
 * an exception becomes `CAPABILITY_FAILED`.
 */
// deno-lint-ignore no-explicit-any
export type Capability = (args: any, call: CapabilityCall) => unknown;

export interface SecurityAlert {
  code: string;
  rule: string;
  pluginId: string;
  generation: number;
  /** SHA-256 of the offending message, never its text. */
  evidence: string;
}

export interface TelemetryRecord {
  timestamp: string;
  correlationId: string;
  pluginId: string;
  handler: string;
  status: Outcome["status"];
  errorCode: string | null;
  /** Who enforced the deadline, if it was one. */
  layer: Outcome["layer"] | null;
  /** Which worker of the plugin it was: each kill or reload begins the next. */
  generation: number;
  durationMs: number;
  memoryBytes: number;
  /** How often the plugin ran into which budget since its last record, by the limit's name. */
  limitsHit: Record<string, number>;
  environment: string;
  queue: string;
}

export interface SandboxOptions {
  /** The sandbox origin; default: where this module came from. */
  origin?: string;
  /** What the platform gave this user. */
  sessionToken: string;
  environment?: string;
  queue?: string;
  /** BCP 47; default: the browser's language. */
  locale?: string;
  /** By permission name; what is not here is denied. */
  capabilities?: Record<string, Capability>;
  /** Default 15000. */
  bootTimeoutMs?: number;
  /** Warm cells kept in reserve: how many (0 to 4), or also of which memory class; default 1. */
  spares?: number | Spares;
  onSecurityAlert?: (alert: SecurityAlert) => void;
  onTelemetry?: (record: TelemetryRecord) => void;
  onStateChange?: (state: "opening" | "open" | "closed") => void;
}

export interface Spares {
  count: number;
  /** As `memoryLimitMB` of the manifests they are for; without it, the classes of the plugins that are loaded. */
  memoryMB?: number;
}

export interface ErrorDetail {
  path: string;
  rule: string;
  cure: string;
}

/** `openSandbox`, `load` and `runFlow` reject with this. Every code is explained in docs/errors.md. */
export class SandboxError extends Error {
  readonly code: string;
  readonly details: ErrorDetail[];
  readonly retryable: boolean;
}

export interface OutcomeError {
  code: string;
  message: string;
  retryable: boolean;
}

export interface Outcome {
  status: "ok" | "error" | "timeout" | "aborted" | "denied" | "killed" | "unavailable";
  /** Only when `status` is `ok`. */
  // deno-lint-ignore no-explicit-any
  value?: any;
  error?: OutcomeError;
  /** Who enforced a deadline. */
  layer?: "cooperative" | "soft" | "hard" | "page";
  correlationId: string;
  durationMs: number;
  memory: { bytes: number; peakBytes: number; source: string };
  generation: number;
}

export interface InvokeOptions {
  signal?: AbortSignal;
  /** At most the manifest's `maxExecutionTimeMs`. */
  timeoutMs?: number;
  correlationId?: string;
}

export interface PluginEvents {
  event: { event: string; data: unknown };
  progress: { fraction: number; message: string };
  log: { level: string; message: string; fields: Record<string, unknown> };
  state: { state: PluginState; generation: number; reason?: string; retryInMs?: number };
}

export type PluginState =
  | "registered"
  | "loading"
  | "ready"
  | "running"
  | "draining"
  | "unloaded"
  | "failed"
  | "suspended";

/** What a plugin had left behind when it was unloaded; all of it was ended. */
export interface CleanupReport {
  timers: number;
  listeners: number;
  tasks: number;
  calls: number;
  cacheEntries: number;
  cacheBytes: number;
  /** Why `on_unload` failed, in one line. */
  error: string | null;
}

export interface Plugin {
  readonly pluginId: string;
  readonly version: string;
  readonly handlers: string[];
  readonly permissions: string[];
  /** Always resolves to an outcome. `payload`: JSON, and an ArrayBuffer or Uint8Array anywhere in it, copied once. */
  invoke(handler: string, payload?: unknown, options?: InvokeOptions): Promise<Outcome>;
  /** Returns a function that stops listening. */
  on<K extends keyof PluginEvents>(kind: K, listener: (detail: PluginEvents[K]) => void): () => void;
  revoke(permission: string): Promise<void>;
  unload(): Promise<CleanupReport>;
}

/** One plugin with a worker. */
export interface PluginMemory {
  pluginId: string;
  generation: number;
  /** In use and at most, by the interpreter's own allocator, as its worker said last. */
  usedBytes: number;
  peakBytes: number;
  /** All of the cell and its worker as the browser measures it, JavaScript's own heap included; null where it does not. */
  jsBytes: number | null;
}

export interface SandboxMemory {
  /** The WebAssembly memory of the host's own interpreter. */
  hostBytes: number;
  spares: number;
  /** The WebAssembly memory of all spares together: each has what a fresh interpreter takes. */
  spareBytes: number;
  plugins: PluginMemory[];
}

/** A flow's JSON, see docs/flows.md; flow.schema.json makes an editor complete it. */
export interface FlowDefinition {
  name?: string;
  slaMs?: number;
  // deno-lint-ignore no-explicit-any
  blocks: Record<string, any>[];
}

export interface FlowOptions {
  /** Gives the run up: `runFlow` rejects with `FLOW_ABORTED`, and its calls are aborted. */
  signal?: AbortSignal;
  /** What the templates' roots `webchat` and `session` find. */
  webchat?: unknown;
  session?: unknown;
  /** Flows that `callFlow` can hand on to, by the name that it gives. */
  flows?: Record<string, FlowDefinition | string>;
  /** The queues there are; without it, any queue that a flow names is taken to be there. */
  queues?: string[];
  /** At most 56 characters; the call of the plugin has it with a suffix. */
  correlationId?: string;
  /** For its plugins to be looked up and loaded, before the flow's own time begins: 0 to 60000, default 5000. */
  prepareMs?: number;
  /** Called with each event of the journal as it happens. */
  onStep?: (event: FlowEvent) => void;
}

/** One line of a run's journal; `pysandbox flow explain` reads them. */
export interface FlowEvent {
  n: number;
  atMs: number;
  event: "flowStarted" | "blockStarted" | "attemptEnded" | "blockEnded" | "flowCalled" | "flowEnded";
  // deno-lint-ignore no-explicit-any
  [field: string]: any;
}

/** What became of one block. */
export interface FlowBlock {
  block: string;
  /** The branch that was taken, and the block it led to. */
  branch: string;
  to: string;
  /** The rest is there where the block has an outcome. */
  status?: Outcome["status"];
  // deno-lint-ignore no-explicit-any
  value?: any;
  errorCode?: string;
  message?: string;
  durationMs?: number;
  generation?: number;
  correlationId?: string;
}

/** A fallback that was taken. */
export interface FlowFailure {
  block: string;
  plugin: string;
  to: string;
  status: Outcome["status"];
  errorCode: string;
  durationMs?: number;
  generation?: number;
  correlationId?: string;
}

/** The one terminal block that a run ended in, its templates filled in. */
export interface FlowEnding {
  flow: string;
  block: string;
  type: "routeToQueue" | "disconnect";
  /** Of `routeToQueue`. */
  queueId?: string;
  /** Of `disconnect`. */
  reason?: string;
  // deno-lint-ignore no-explicit-any
  metadata: Record<string, any>;
  summary: { text: string; fallbackTriggered: boolean; failures: FlowFailure[] };
  durationMs: number;
  slaMs: number;
  withinSla: boolean;
  correlationId: string;
  /** `QUEUE_NOT_FOUND`: there is no such queue, and the block has no `onError`. */
  errorCode?: string;
  /** Metadata whose template found nothing; they are null. */
  unresolved?: string[];
}

export interface FlowRun {
  ending: FlowEnding;
  /** In the order in which they ended. */
  blocks: FlowBlock[];
  journal: FlowEvent[];
  /** How your capability `webchat:queue:route` did, if you provide one. */
  routed?: { status: "ok" | "error"; error?: OutcomeError };
}

export interface Sandbox {
  /** `com.vendor.name@1.2.3`, or without a version for the highest enabled one. */
  load(plugin: string): Promise<Plugin>;
  /**
   * Runs a flow to its one end. `interaction` is what the templates' root of that name finds.
   * Rejects with a coded error, which lists every fault of a flow that is not valid.
   */
  runFlow(flow: FlowDefinition | string, interaction?: unknown, options?: FlowOptions): Promise<FlowRun>;
  /** What the sandbox takes now. */
  memory(): Promise<SandboxMemory>;
  close(): Promise<void>;
}

export function openSandbox(options: SandboxOptions): Promise<Sandbox>;

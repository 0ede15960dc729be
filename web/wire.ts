/** The shapes that cross between page, host frame, watchdog, cell and workers. Types only: nothing here runs. */

/** Page ⇄ host worker, on the page's own port. `payload` is JSON text. */
export interface PageMessage {
  v: number;
  seq: number;
  kind: string;
  id: string;
  cid: string;
  payload: string;
  to?: string;
  method?: string;
  deadlineMs?: number;
}

/** What the host frame hands its worker, once. */
export interface HostBoot {
  pagePort: MessagePort;
  framePort: MessagePort;
  watchdogPort: MessagePort;
  module: WebAssembly.Module;
  snapshot: ArrayBuffer;
  apiOrigin: string;
  origin: string;
  /** What should go wrong, for QA: only the development server ever says so. */
  chaos: string;
}

/** Host worker → host frame. */
export type FrameOrder =
  | { op: "open"; slot: number; memoryMB: number; binding: Binding }
  | { op: "end"; slot: number }
  | { op: "failed"; message: string };

/** What a cell hands its worker first. */
export interface Boot {
  op: "boot";
  module: WebAssembly.Module;
  snapshot: ArrayBuffer;
}

/** What binds a worker's port to one plugin, session and generation; sent with the port. */
export interface Binding {
  op: "bind";
  plugin: string;
  sid: string;
  gen: number;
  key: string;
  origin: string;
  /** Whether the plugin may import what the snapshot lacks; then the library comes along. */
  needsLibrary: boolean;
  library?: ArrayBuffer;
}

/** Host frame → cell, once, with the control port: the worker's script can be read while the rest is on its way. */
export interface CellInit {
  kind: "init";
  v: number;
  script: ArrayBuffer;
}

/** Host frame → cell, on the control port. */
export type CellOrder =
  | { op: "start"; memoryMB: number; wasm: ArrayBuffer; snapshot: ArrayBuffer }
  | Binding
  | { op: "end" };

/** Host worker → watchdog: what is watched from now on, and what is over since the last word. */
export interface WatchdogOrder {
  armed: { key: string; slot: number; invocation: string; afterMs: number }[];
  done: string[];
}

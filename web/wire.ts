/** The shapes that cross between page, host frame, watchdog, cell and workers. Types only: nothing here runs. */

/** Page ⇄ host worker, on the page's own port. `payload` is JSON text, `buffers` the bytes in it, by transfer. */
export interface PageMessage {
  v: number;
  seq: number;
  kind: string;
  id: string;
  cid: string;
  payload: string;
  buffers?: ArrayBuffer[];
  to?: string;
  method?: string;
  deadlineMs?: number;
}

/** What a page wants kept in reserve. */
export interface SpareWish {
  count: number;
  /** Their memory class; without one, that of the plugins that are loaded. */
  memoryMB?: number;
}

/** What the host frame hands its worker, once; with it the port of the first cell. */
export interface HostBoot {
  pagePort: MessagePort;
  framePort: MessagePort;
  watchdogPort: MessagePort;
  module: WebAssembly.Module;
  snapshot: ArrayBuffer;
  /** Where the API is: its origin, and the path below which a gateway in front shows it. */
  apiBase: string;
  origin: string;
  /** What should go wrong, for QA: only the development server ever says so. */
  chaos: string;
  spares: SpareWish;
  first: Spare;
}

/** A cell that nobody has taken yet, and our end of its plugin's port. */
export interface Spare {
  cell: number;
  memoryMB: number;
  port: MessagePort;
}

/** Host worker → host frame. `make` comes with the cell's end of the plugin's port. */
export type FrameOrder =
  | { op: "make"; cell: number; memoryMB: number }
  | { op: "library"; cell: number }
  | { op: "end"; cell: number }
  | { op: "leave"; token: string }
  | { op: "hold"; telemetry: string }
  | { op: "failed"; code: string; message: string };

/** Host frame → host worker: a cell that could not start, or broke its handshake. */
export interface CellFailed {
  cell: number;
  code: string;
  message: string;
}

/** Host frame → host worker: what the browser measured of a cell and its worker. */
export interface CellMemory {
  cell: number;
  bytes: number;
}

/** What an interpreter starts from. */
export interface Interpreter {
  wasm: ArrayBuffer;
  snapshot: ArrayBuffer;
}

/** Host frame → watchdog. `cell` comes with a port to that cell. */
export type ToWatchdog =
  | ({ op: "interpreter" } & Interpreter)
  | { op: "cell"; cell: number }
  | { op: "gone"; cell: number };

/** Watchdog → host frame: a cell's time is up; or the host worker has gone silent. */
export type FromWatchdog = { op: "end"; cell: number } | { op: "silent" };

/** What a cell hands its worker first, with the port that its binding will come by. */
export interface Boot {
  op: "boot";
  module: WebAssembly.Module;
  snapshot: ArrayBuffer;
}

/** What binds a port to one plugin, session and generation: the host worker's first word on it. */
export interface Binding {
  op: "bind";
  plugin: string;
  sid: string;
  gen: number;
  key: string;
  origin: string;
  credit: number;
  /** Whether the plugin may import what the snapshot lacks; then the library comes by way of the cell. */
  needsLibrary: boolean;
}

/** The standard library, on its way to a worker. */
export interface Library {
  op: "library";
  library: ArrayBuffer;
}

/** Host frame → cell, once, with three ports: control, the plugin's, and the watchdog's. */
export interface CellInit {
  kind: "init";
  v: number;
  script: Blob;
  memoryMB: number;
}

/** Host frame → cell, on the control port. */
export type CellOrder = Library | { op: "end" };

/** Watchdog → cell. */
export type CellWord = Interpreter | "beat" | "end";

/** Host worker → watchdog: what is watched from now on, and what is over since the last word. */
export interface WatchdogOrder {
  armed: { key: string; cell: number; invocation: string; afterMs: number }[];
  done: string[];
}

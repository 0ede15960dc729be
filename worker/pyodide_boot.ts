/**
 * Starts Pyodide in a classic worker from what is already here: a compiled module and a snapshot.
 *
 * Nothing is fetched. The loader asks for its files by `fetch` and `instantiateStreaming`; both are answered from
 * memory for as long as it starts, and put back or taken away afterwards. The standard library's zip is empty here:
 * what is in the snapshot needs no file, and a plugin that wants more brings the library with its binding.
 */
import createPyodideModule from "pyodide-glue";
import { loadPyodide, type PyodideInterface } from "pyodide-loader";
import { readSnapshot } from "./snapshot.ts";

export interface Assets {
  module: WebAssembly.Module;
  snapshot: ArrayBuffer;
}

export interface Runtime {
  pyodide: PyodideInterface;
  /** Bytes in use (counted lately, or now) and the highest seen, as "used,peak", by the interpreter's own allocator. */
  memory(fresh?: boolean): string;
  /** Bytes of the whole WebAssembly memory, which never shrinks. */
  wasmBytes(): number;
}

/** The Emscripten module behind Pyodide: no part of its public types. */
export interface Internals {
  // deno-lint-ignore no-explicit-any
  _module?: any;
  _api?: unknown;
}

type Imports = Record<string, Record<string, unknown>>;

/** What Pyodide wants to see of a lock file: no package, nothing to fetch. */
const EMPTY_LOCK = {
  info: { abi_version: "2026_0", arch: "wasm32" as const, platform: "emscripten_5_0_3", python: "3.14.2", version: "314.0.7" },
  packages: {},
};
const EMPTY_ZIP = Uint8Array.of(0x50, 0x4b, 5, 6, ...new Array(18).fill(0)).buffer;
const NOWHERE = "https://pyodide.invalid/";

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

export async function bootPyodide(assets: Assets, guard: (imports: Imports) => void): Promise<Runtime> {
  const snapshot = readSnapshot(new Uint8Array(assets.snapshot));
  let wasmMemory: WebAssembly.Memory | undefined;
  const streaming = WebAssembly.instantiateStreaming;
  const fetcher = scope.fetch;
  WebAssembly.instantiateStreaming = async (_source, imports) => {
    guard(imports as unknown as Imports);
    const instance = await WebAssembly.instantiate(assets.module, imports);
    wasmMemory = instance.exports.memory as WebAssembly.Memory;
    snapshot.putConstants(new Uint8Array(wasmMemory.buffer));
    return { module: assets.module, instance };
  };
  scope.fetch = () => Promise.resolve({ ok: true, arrayBuffer: () => Promise.resolve(EMPTY_ZIP) });
  const jsglobals = Object.assign(Object.create(null), {
    Object: Object.assign(Object.create(null), { fromEntries: Object.fromEntries }),
    setTimeout: setTimeout.bind(globalThis),
    clearTimeout: clearTimeout.bind(globalThis),
  });
  try {
    const options = {
      indexURL: NOWHERE,
      createPyodideModule,
      lockFileContents: EMPTY_LOCK,
      packageBaseUrl: NOWHERE,
      env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
      jsglobals,
      _sysExecutable: "/pyodide/python",
      _loadSnapshot: snapshot.header,
      _copyHeap: (heap: Int8Array) => snapshot.copyTo(new Uint8Array(heap.buffer)), // ours: see runtime/scripts.py
    };
    const pyodide = await loadPyodide(options);
    return { pyodide, memory: memoryOf(pyodide), wasmBytes: () => wasmMemory?.buffer.byteLength ?? 0 };
  } finally {
    WebAssembly.instantiateStreaming = streaming;
    scope.fetch = fetcher;
  }
}

/** Walking the heap to count what is in use takes most of a millisecond: not more often than this. */
const COUNT_EVERY_MS = 500;

function memoryOf(pyodide: PyodideInterface): (fresh?: boolean) => string {
  const module = (pyodide as unknown as Internals)._module;
  const words = module._malloc(64);
  let used = 0;
  let countedAt = -Infinity;
  return (fresh = false) => {
    const now = performance.now();
    if (fresh || now - countedAt > COUNT_EVERY_MS) {
      module._mallinfo(words);
      used = module.HEAPU32[(words >>> 2) + 7]; // struct mallinfo: uordblks is its eighth word
      countedAt = now;
    }
    return `${used},${Math.max(used, module._malloc_max_footprint())}`;
  };
}

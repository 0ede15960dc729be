/**
 * Boots Pyodide in this process, imports modules, and writes the heap as a snapshot.
 *
 * Runs without network and without any permission but its own files: importing is running. Reproducible byte for
 * byte: entropy, clocks and the hash seed are fixed before Python starts. Whoever restores the snapshot must reseed.
 *
 * usage: deno run --allow-read --allow-write=OUT snapshot.ts JOB.json
 */
import { packSnapshot } from "./sparse.ts";
import { setMemoryLimits, PAGE_BYTES } from "../../../worker/wasm_memory.ts";

interface Job {
  pyodideDir: string; // holds pyodide.mjs, pyodide.asm.mjs, pyodide.asm.wasm
  stdlib: string; // the standard library's zip, as it will ship
  wasm: string; // the wasm, as it will ship
  sources: Record<string, string>; // path below site-packages -> source text
  modules: string[]; // what to import
  pages: number; // the heap's size in wasm pages
  out: string;
}

/** What Pyodide wants to see of a lock file: no package, nothing to fetch. */
const EMPTY_LOCK = {
  info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2", version: "314.0.7" },
  packages: {},
};

const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));

// --- fixed entropy and clocks -----------------------------------------------------------------------------------
const FIXED_MS = Date.UTC(2026, 0, 1);
const RealDate = Date;
const FixedDate = function (this: unknown, ...parts: unknown[]) {
  // deno-lint-ignore no-explicit-any
  return parts.length ? Reflect.construct(RealDate, parts as any) : new RealDate(FIXED_MS);
};
Object.setPrototypeOf(FixedDate, RealDate);
FixedDate.prototype = RealDate.prototype;
FixedDate.now = () => FIXED_MS;
// deno-lint-ignore no-explicit-any
(globalThis as any).Date = FixedDate;
performance.now = () => 1;
Math.random = () => 0.5;
crypto.getRandomValues = ((array: Uint8Array) => {
  fillFixed(array);
  return array;
}) as typeof crypto.getRandomValues;

let state = 0x9e3779b9;
function fillFixed(array: Uint8Array): void {
  for (let i = 0; i < array.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    array[i] = state >>> 24;
  }
}

// --- one snapshot for every engine ------------------------------------------------------------------------------
// Where wasm GC is there, Pyodide puts a call trampoline into the function table and its index into the heap; an
// engine without it could not run such a snapshot. So this build refuses exactly that tiny module.
const RealModule = WebAssembly.Module;
WebAssembly.Module = new Proxy(RealModule, {
  construct(target, [bytes]) {
    const view = new Uint8Array(bytes as ArrayBuffer);
    if (view.length < 4000 && view.includes(0xfb)) throw new WebAssembly.CompileError("no wasm GC in snapshots");
    return Reflect.construct(target, [bytes]);
  },
});

// --- the loader gets its files from us --------------------------------------------------------------------------
const wasm = setMemoryLimits(Deno.readFileSync(job.wasm), { maximumPages: job.pages });
const stdlib = Deno.readFileSync(job.stdlib);
WebAssembly.instantiateStreaming = async (_source, imports) => {
  const wasi = (imports as Record<string, Record<string, unknown>>).wasi_snapshot_preview1;
  let memory: WebAssembly.Memory | undefined;
  wasi.random_get = (at: number, size: number) => {
    fillFixed(new Uint8Array(memory!.buffer, at >>> 0, size));
    return 0;
  };
  const module = await WebAssembly.compile(wasm);
  const instance = await WebAssembly.instantiate(module, imports);
  memory = instance.exports.memory as WebAssembly.Memory;
  return { instance, module };
};
// deno-lint-ignore no-explicit-any
(globalThis as any).fetch = (url: string) =>
  Promise.resolve({ ok: true, arrayBuffer: () => Promise.resolve(stdlib.slice().buffer), url });
// Pyodide must take the same path as in a browser's worker, not the one for Node.
// deno-lint-ignore no-explicit-any
const bare = globalThis as any;
const hidden = { Deno: bare.Deno, process: bare.process };
delete bare.process;
delete bare.Deno;
bare.WorkerGlobalScope = class {
  static [Symbol.hasInstance]() {
    return true;
  }
};
bare.self ??= globalThis;

const glue = await import(`file://${job.pyodideDir}/pyodide.asm.mjs`);
const { loadPyodide } = await import(`file://${job.pyodideDir}/pyodide.mjs`);
const pyodide = await loadPyodide({
  indexURL: "https://pyodide.invalid/",
  createPyodideModule: glue.default,
  lockFileContents: EMPTY_LOCK,
  packageBaseUrl: "https://pyodide.invalid/",
  env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
  jsglobals: { Object: { fromEntries: Object.fromEntries }, setTimeout, clearTimeout },
  _sysExecutable: "/pyodide/python",
  _makeSnapshot: true,
});
bare.Deno = hidden.Deno;
bare.process = hidden.process;

const site = "/snapshot-src";
for (const [path, text] of Object.entries(job.sources)) {
  const parts = path.split("/");
  parts.pop();
  pyodide.FS.mkdirTree([site, ...parts].join("/"));
  pyodide.FS.writeFile(`${site}/${path}`, text);
}
pyodide.runPython(`
import sys, importlib, gc
sys.path.insert(0, ${JSON.stringify(site)})
importlib.invalidate_caches()
for name in ${JSON.stringify(job.modules)}:
    importlib.import_module(name)
sys.path.remove(${JSON.stringify(site)})
sys.path_importer_cache.clear()
importlib.invalidate_caches()
gc.collect()
# Zero what is free, so that it compresses to nothing and restores as pages never touched.
blocks, size = [], 1 << 20
while size >= 16:
    try:
        while True:
            blocks.append(bytes(size))
    except MemoryError:
        size //= 2
del blocks, size, name
gc.collect()
`);
// What Python's allocator gave back is still dirty: take it from malloc, clear it, give it back.
const module = pyodide._module;
const taken: number[] = [];
for (let size = 1 << 20; size >= 64; size >>= 1) {
  for (let at = module._malloc(size); at !== 0; at = module._malloc(size)) {
    module.HEAPU8.fill(0, at >>> 0, (at >>> 0) + size);
    taken.push(at);
  }
}
for (const at of taken) module._free(at);

const snapshot: Uint8Array = pyodide.makeMemorySnapshot();
if (module.HEAPU8.length !== job.pages * PAGE_BYTES) throw new Error(`the heap grew to ${module.HEAPU8.length} bytes`);
const packed = packSnapshot(snapshot);
Deno.writeFileSync(job.out, packed);
console.log(JSON.stringify({ snapshotBytes: snapshot.length, packedBytes: packed.length }));
Deno.exit(0);

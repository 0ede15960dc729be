/**
 * Boots Pyodide in this process, imports modules, and writes the heap as a snapshot; then restores it once, to learn
 * what a fresh heap holds by then, and to see that it runs.
 *
 * Runs without network and without any permission but its own files: importing is running. Reproducible byte for
 * byte (see fixed.ts).
 *
 * usage: deno run --allow-read=… --allow-write=OUT snapshot.ts JOB.json
 */
import { packSnapshot } from "./sparse.ts";
import { EMPTY_LOCK, EXECUTABLE } from "./boot.ts";
import { asWorker, fillFixed, fixWorld, refuseTrampoline } from "./fixed.ts";
import { PAGE_BYTES, setMemoryLimits } from "../../../worker/wasm_memory.ts";

interface Job {
  loader: string; // pyodide.mjs
  glue: string; // pyodide.asm.mjs, its heap copy replaced by ours
  stdlib: string; // the standard library's zip
  wasm: string; // with the constants of its data segments
  bare: string; // without: as it ships
  sources: Record<string, string>; // path below site-packages -> source text
  modules: string[]; // what to import
  pages: number; // the heap's size in wasm pages
  out: string;
}

const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
const SITE = "/snapshot-src";
const NOWHERE = "https://pyodide.invalid/";

fixWorld();
refuseTrampoline();
// Both look around at once, and must see a browser's worker.
const { default: createPyodideModule } = await asWorker(() => import(`file://${job.glue}`));
const { loadPyodide } = await asWorker(() => import(`file://${job.loader}`));

// --- the loader gets its files from us --------------------------------------------------------------------------
const [whole, bare] = [job.wasm, job.bare].map((path) =>
  setMemoryLimits(Deno.readFileSync(path), { maximumPages: job.pages })
);
let wasm = whole;
const stdlib = Deno.readFileSync(job.stdlib);
let pristine = new Uint8Array();
let prepare = (memory: WebAssembly.Memory) => {
  pristine = new Uint8Array(memory.buffer).slice();
};
WebAssembly.instantiateStreaming = async (_source, imports) => {
  const wasi = (imports as Record<string, Record<string, unknown>>).wasi_snapshot_preview1;
  const heap: { memory?: WebAssembly.Memory } = {};
  wasi.random_get = (at: number, size: number) => {
    fillFixed(new Uint8Array(heap.memory!.buffer, at >>> 0, size));
    return 0;
  };
  const module = await WebAssembly.compile(wasm);
  const instance = await WebAssembly.instantiate(module, imports);
  heap.memory = instance.exports.memory as WebAssembly.Memory;
  prepare(heap.memory);
  return { instance, module };
};
globalThis.fetch = ((url: string) =>
  Promise.resolve({ ok: true, arrayBuffer: () => Promise.resolve(stdlib.slice().buffer), url })) as unknown as typeof fetch;

// deno-lint-ignore no-explicit-any
function boot(options: Record<string, unknown>): Promise<any> {
  return asWorker(() =>
    loadPyodide({
      indexURL: NOWHERE,
      createPyodideModule,
      lockFileContents: EMPTY_LOCK,
      packageBaseUrl: NOWHERE,
      env: { PYTHONHASHSEED: "0", HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" },
      jsglobals: { Object: { fromEntries: Object.fromEntries }, setTimeout, clearTimeout },
      _sysExecutable: EXECUTABLE,
      ...options,
    })
  );
}

// --- take it ----------------------------------------------------------------------------------------------------
const pyodide = await boot({ _makeSnapshot: true });
for (const [path, text] of Object.entries(job.sources)) {
  const parts = path.split("/");
  parts.pop();
  pyodide.FS.mkdirTree([SITE, ...parts].join("/"));
  pyodide.FS.writeFile(`${SITE}/${path}`, text);
}
const imported: string = pyodide.runPython(`
import sys, importlib, importlib.machinery, json, gc, zipimport
sys.path.insert(0, ${JSON.stringify(SITE)})
importlib.invalidate_caches()
# Ours without docstrings and assertions, as the library is; what plugins bring is compiled as it stands.
compiled = importlib.machinery.SourceFileLoader.source_to_code
importlib.machinery.SourceFileLoader.source_to_code = (
    lambda self, data, path, *, _optimize=-1: compiled(self, data, path, _optimize=2))
for name in ${JSON.stringify(job.modules)}:
    importlib.import_module(name)
importlib.machinery.SourceFileLoader.source_to_code = compiled
sys.path.remove(${JSON.stringify(SITE)})
# The zip that ships is another one, so its directory is read again.
importlib.invalidate_caches()
sys.path_importer_cache.clear()
zipimport._zip_directory_cache.clear()
answer = json.dumps(sorted(sys.modules))
gc.collect()
# Zero what is free, so that it compresses to nothing and restores as pages never touched.
blocks, size = [], 1 << 20
while size >= 16:
    try:
        while True:
            blocks.append(bytes(size))
    except MemoryError:
        size //= 2
del blocks, size, name, compiled
gc.collect()
answer
`);
pyodide.runPython("del answer, sys, importlib, json, gc, zipimport");
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

// --- restore it once --------------------------------------------------------------------------------------------
const headerBytes = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(4, true);
let before = new Uint8Array();
wasm = bare;
prepare = (memory) => new Uint8Array(memory.buffer).set(pristine);
const restored = await boot({
  _loadSnapshot: snapshot,
  _copyHeap: (heap: Int8Array) => {
    const bytes = new Uint8Array(heap.buffer);
    before = bytes.slice();
    bytes.set(snapshot.subarray(headerBytes));
  },
});
restored.runPython("from pysandbox.plugin.boot import start; import email.message");
const packed = packSnapshot(snapshot, { pristine, before });
Deno.writeFileSync(job.out, packed);
console.log(JSON.stringify({ modules: JSON.parse(imported) }));
Deno.exit(0);

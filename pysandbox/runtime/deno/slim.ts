/**
 * Drops the exports of a wasm that nobody names, and with them the functions that nothing else reaches.
 *
 * What the function table holds stays, each function in its slot: snapshots and the interpreter's own data point there.
 *
 * usage: deno run --allow-read=… --allow-write=OUT slim.ts JOB.json
 */
interface Job {
  binaryen: string; // index.js of the npm package
  wasm: string;
  exports: string[]; // what stays
  out: string;
}

const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
const { default: binaryen } = await import(`file://${job.binaryen}`);
const wasm = binaryen.readBinary(Deno.readFileSync(job.wasm));
const keep = new Set(job.exports);
const names = Array.from(
  { length: wasm.getNumExports() },
  (_, i) => binaryen.getExportInfo(wasm.getExportByIndex(i)).name,
);
const missing = job.exports.filter((name) => !names.includes(name));
if (missing.length > 0) throw new Error(`the wasm does not export ${missing.join(", ")}`);
for (const name of names) if (!keep.has(name)) wasm.removeExport(name);
wasm.runPasses(["remove-unused-module-elements"]);
const slim: Uint8Array = wasm.emitBinary();
// The glue fills in no address any more: see PATCHES in ../glue.py.
const left = WebAssembly.Module.imports(new WebAssembly.Module(slim.slice())).filter(({ module }) =>
  module.startsWith("GOT.")
);
if (left.length > 0) throw new Error(`addresses are still asked for: ${left.map(({ name }) => name).join(", ")}`);
Deno.writeFileSync(job.out, slim);
Deno.exit(0);

/**
 * Drops the functions and variables of a module that nothing reaches; names and everything else stay as they are.
 *
 * usage: deno run --allow-read=… --allow-write=OUT prune.ts JOB.json
 */
interface Job {
  terser: string; // its bundle, as a module: leaves `Terser` on the global
  glue: string;
  out: string;
}

const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
await import(`file://${job.terser}`);
// deno-lint-ignore no-explicit-any
const { Terser } = globalThis as any;
const compress = { defaults: false, unused: true, dead_code: true, side_effects: true, passes: 3 };
const { code } = await Terser.minify(Deno.readTextFileSync(job.glue), { module: true, mangle: false, compress });
Deno.writeTextFileSync(job.out, code);
Deno.exit(0);

/**
 * Runs one Python file inside Pyodide: `async def main(arguments: dict) -> object`, whose answer becomes JSON.
 *
 * The Python sees its own file system alone. Wheels are unpacked, files are copied in before and out afterwards;
 * the network is there if this process was given it.
 *
 * usage: deno run --allow-read --allow-write=FOLDER [--allow-net] python.ts JOB.json
 */
import { EMPTY_LOCK, EXECUTABLE } from "./boot.ts";

interface Job {
  pyodideDir: string;
  env: Record<string, string>;
  wheels: string[]; // paths here; unpacked into site-packages
  files: Record<string, string>; // path in Pyodide -> path here
  script: string; // path here of the Python file
  arguments: unknown;
  outFolder: string; // what the script leaves in /out is copied here
  answer: string; // where the answer's JSON goes
}

const job: Job = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
const { loadPyodide } = await import(`file://${job.pyodideDir}/pyodide.mjs`);
const pyodide = await loadPyodide({
  indexURL: job.pyodideDir,
  lockFileContents: EMPTY_LOCK,
  _sysExecutable: EXECUTABLE,
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0", ...job.env },
  stdout: (line: string) => console.error(line),
  stderr: (line: string) => console.error(line),
});
const SITE = { extractDir: "/lib/python3.14/site-packages" };
for (const path of job.wheels) pyodide.unpackArchive(Deno.readFileSync(path).buffer, "wheel", SITE);
for (const [path, here] of Object.entries(job.files)) {
  pyodide.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")) || "/");
  pyodide.FS.writeFile(path, Deno.readFileSync(here));
}
pyodide.FS.mkdirTree("/out");
pyodide.FS.writeFile("/job.py", Deno.readTextFileSync(job.script));
const answer = await pyodide.runPythonAsync(`
import importlib, json, runpy
importlib.invalidate_caches()
json.dumps(await runpy.run_path("/job.py")["main"](json.loads(${JSON.stringify(JSON.stringify(job.arguments))})))
`);
for (const name of pyodide.FS.readdir("/out")) {
  if (!name.startsWith(".")) Deno.writeFileSync(`${job.outFolder}/${name}`, pyodide.FS.readFile(`/out/${name}`));
}
Deno.writeTextFileSync(job.answer, answer);
Deno.exit(0);

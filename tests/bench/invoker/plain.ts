/** The least that runs a Python function in Deno: plain Pyodide, a line of JSON in, a line of JSON out. No walls. */
import { loadPyodide } from "pyodide";

const pyodide = await loadPyodide();
pyodide.runPython(`
import json
def handle(text):
    payload = json.loads(text)
    return json.dumps({"echo": payload})
`);
const handle = pyodide.globals.get("handle");
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function say(text: string): void {
  const bytes = encoder.encode(text + "\n");
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

say("up");
let rest = "";
for await (const chunk of Deno.stdin.readable) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop()!;
  for (const line of lines) say(handle(line));
}

/**
 * Makes the realm it runs in a plugin's: starts the interpreter, takes up what binds it, hands messages on.
 *
 * UNTRUSTED from the first plugin byte on: nothing here is a wall. The same in a browser's worker and in a process.
 */
import { type Assets, bootPyodide, type Internals, type Runtime } from "./pyodide_boot.ts";
import { boundFiles } from "./files.ts";
import { Gate } from "./gate.ts";
import { stripLoader, stubImports } from "./hardening.ts";
import { makeInterrupt } from "./interrupt.ts";
import { free } from "../web/free.ts";
import { PLUGIN_GATE } from "../web/protocol.gen.ts";
import type { Binding } from "../web/wire.ts";

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

/** No plugin needs them: what is left of `js` and the way it is found go before anybody's code runs. */
const HIDE_JS = `
import sys
for finder in list(sys.meta_path):
    if type(finder).__name__ == "JsFinder":
        sys.meta_path.remove(finder)
        finder.jsproxies.clear()
for name in list(sys.modules):
    if name.partition(".")[0] in ("js", "pyodide_js"):
        del sys.modules[name]
del sys, finder, name
`;

/** What nobody catches, in a timer's function say, is the interpreter's death unless Python says what it was. */
let died = () => {};
scope.onerror = (_message: unknown, _file: unknown, _line: unknown, _column: unknown, error: unknown) => uncaught(error);
scope.onunhandledrejection = (event: PromiseRejectionEvent) => uncaught(event.reason);

function uncaught(error: unknown): boolean {
  if ((error as Error | null)?.name !== "PythonError") died();
  return true;
}

/** A cell that is still in reserve by then rehearses taking a plugin up, which compiles what that will call. */
const REHEARSE_AFTER_MS = 100;

/** Everything that needs no plugin is done here, before one comes: the port's first word is its binding. */
export async function bootPlugin(
  assets: Assets,
  port: MessagePort,
  library: Promise<ArrayBuffer>,
): Promise<void> {
  const runtime = await bootPyodide(assets, stubImports);
  free(assets.snapshot);
  const { pyodide, memory } = runtime;
  pyodide.runPython(HIDE_JS);
  const interrupt = makeInterrupt();
  pyodide.setInterruptBuffer(interrupt.buffer);
  // What is written below sys.stdout goes nowhere; kept until a line's end, it would be memory that nothing bounds.
  const nowhere = { write: (bytes: Uint8Array) => bytes.length };
  pyodide.setStdout(nowhere);
  pyodide.setStderr(nowhere);
  const start = pyodide.pyimport("pysandbox.plugin.boot").start;
  let gate: Gate | undefined;
  const [bindTo, onMessage, rehearse] = start(
    // deno-lint-ignore no-explicit-any
    (text: string, buffers?: any) => gate?.send(text, buffers ?? []),
    (messages: number) => gate?.grant(messages),
    memory,
    interrupt.in,
    boundFiles(pyodide.FS),
  );
  const receive = (text: string, buffers: ArrayBuffer[]) => {
    try {
      if (buffers.length === 0) onMessage(text);
      else onMessage(text, buffers.map((buffer) => new Uint8Array(buffer)));
    } catch {
      died(); // the interpreter is gone, or the port is not the host's: either way it is the end
    }
  };
  stripLoader(scope);
  died = () => port.postMessage("dead");
  const rehearsal = setTimeout(rehearse, REHEARSE_AFTER_MS);
  port.onmessage = async ({ data }: MessageEvent<Binding>) => {
    clearTimeout(rehearsal);
    const early: MessageEvent[] = []; // a port without a listener would lose what comes meanwhile
    port.onmessage = (event) => early.push(event);
    if (data.needsLibrary) addLibrary(pyodide, await library);
    const internals = pyodide as unknown as Internals;
    delete internals._module;
    delete internals._api;
    gate = new Gate(port, PLUGIN_GATE, receive, () => died());
    bindTo(data.plugin, data.sid, data.gen, data.key, data.origin, data.credit);
    for (const event of early) port.onmessage?.(event);
  };
}

/** Puts the standard library where the interpreter looks for it; it found an empty one when it started. */
function addLibrary(pyodide: Runtime["pyodide"], library: ArrayBuffer): void {
  pyodide.FS.writeFile("/lib/python314.zip", new Uint8Array(library), { canOwn: true });
  pyodide.runPython("import sys, importlib; sys.path_importer_cache.clear(); importlib.invalidate_caches()");
}

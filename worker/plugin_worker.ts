/**
 * The worker a plugin lives in. UNTRUSTED from the first plugin byte on: nothing here is a wall.
 *
 * It is told two things by its cell, once each: the assets, and, when it is taken, the port with its binding.
 */
import { bootPyodide, type Internals, type Runtime } from "./pyodide_boot.ts";
import { Gate } from "./gate.ts";
import { stripGlobals, stripLoader, stubImports } from "./hardening.ts";
import { free } from "../web/free.ts";
import { PLUGIN_GATE } from "../web/protocol.gen.ts";
import type { Binding, Boot } from "../web/wire.ts";

// Pyodide refuses classic workers where importScripts works; here it must not be there at all.
// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

/** No plugin needs them: what is left of `js` and the way it is found go before anybody's code runs. */
const HIDE_JS = `
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "JsFinder"]
for name in ("js", "pyodide_js"):
    sys.modules.pop(name, None)
del sys
`;

/**
 * Never interrupts. The interpreter comes back to JavaScript now and then to look at it, and only there does WebKit end
 * a worker that was terminated: without it a busy loop would burn a core for as long as the page is open.
 */
const NO_INTERRUPT = {
  get 0() {
    return 0;
  },
  set 0(_signal) {
    // Pyodide writes a zero back after each look
  },
} as unknown as Uint8Array<ArrayBuffer>;

let booted: Promise<Runtime> | undefined;

scope.onmessage = (event: MessageEvent) => {
  const message = event.data as Boot | Binding;
  if (message.op === "boot" && booted === undefined) {
    stripGlobals(scope);
    scope.onmessage = onCellMessage;
    booted = boot(message);
  }
};

function onCellMessage(event: MessageEvent): void {
  const message = event.data as Binding;
  if (message.op !== "bind") return;
  scope.onmessage = null;
  const port = event.ports[0];
  booted!.then((runtime) => bind(runtime, message, port));
}

async function boot(assets: Boot): Promise<Runtime> {
  const runtime = await bootPyodide(assets, stubImports);
  free(assets.snapshot);
  const { pyodide } = runtime;
  pyodide.runPython(HIDE_JS);
  pyodide.setInterruptBuffer(NO_INTERRUPT);
  return runtime;
}

/** Puts the standard library where the interpreter looks for it; it found an empty one when it started. */
function addLibrary(pyodide: Runtime["pyodide"], library: ArrayBuffer): void {
  pyodide.FS.writeFile("/lib/python314.zip", new Uint8Array(library), { canOwn: true });
  pyodide.runPython("import sys, importlib; sys.path_importer_cache.clear(); importlib.invalidate_caches()");
}

function bind({ pyodide, memory }: Runtime, binding: Binding, port: MessagePort): void {
  if (binding.library) addLibrary(pyodide, binding.library);
  stripLoader(scope);
  const gate = new Gate(port, PLUGIN_GATE, (text, buffers) => receive(text, buffers), () => port.postMessage("dead"));
  const start = pyodide.pyimport("pysandbox.plugin.boot").start;
  const [bindTo, onMessage] = start(
    // deno-lint-ignore no-explicit-any
    (text: string, buffers?: any) => gate.send(text, buffers ? buffers.map((b: Uint8Array) => b.slice().buffer) : []),
    (messages: number) => gate.grant(messages),
    memory,
  );
  const internals = pyodide as unknown as Internals;
  delete internals._module;
  delete internals._api;
  const receive = (text: string, buffers: ArrayBuffer[]) => {
    try {
      if (buffers.length === 0) onMessage(text);
      else onMessage(text, buffers.map((buffer) => new Uint8Array(buffer)));
    } catch {
      port.postMessage("dead"); // the interpreter is gone, or the port is not the host's: either way it is the end
    }
  };
  bindTo(binding.plugin, binding.sid, binding.gen, binding.key, binding.origin);
}

/**
 * The worker a plugin lives in. UNTRUSTED from the first plugin byte on: nothing here is a wall.
 *
 * Its cell hands it the assets and a port, and, for a plugin that needs it, the standard library. Who has taken it is
 * told on the port, by the host worker itself.
 */
import { bootPlugin } from "./plugin_boot.ts";
import { stripGlobals } from "./hardening.ts";
import type { Boot, Library } from "../web/wire.ts";

// Pyodide refuses classic workers where importScripts works; here it must not be there at all.
// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

let takeLibrary: (library: ArrayBuffer) => void = () => {};
const library = new Promise<ArrayBuffer>((resolve) => takeLibrary = resolve);

stripGlobals(scope);
/** One of each, in either order: who compiles the interpreter may be slower than who sends the library. */
scope.onmessage = ({ data, ports }: MessageEvent<Boot | Library>) => {
  if (data.op === "boot") bootPlugin(data, ports[0], library);
  else takeLibrary(data.library);
};

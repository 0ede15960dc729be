/**
 * One plugin's cell. Runs inline in cell.html: an opaque origin under a hash-only CSP, with no network.
 *
 * It proves its walls before it accepts anything, compiles the interpreter with the plugin's own memory maximum,
 * starts one worker from a blob, and hands it a port when the plugin comes. It listens to nothing its worker says.
 */
import { setMemoryLimits } from "../worker/wasm_memory.ts";
import { free } from "./free.ts";
import { PROTOCOL } from "./protocol.gen.ts";
import type { CellInit, CellOrder } from "./wire.ts";

const PROOF_DEADLINE_MS = 3000;
const PAGES_PER_MB = 16;
const host = new URL(location.href).origin;
let worker: Worker | undefined;
let script = "";

/** Why this realm is no cell, or nothing. */
async function faults(): Promise<string> {
  if (self.origin !== "null") return "its origin is not opaque";
  try {
    // deno-lint-ignore no-eval
    (0, eval)("1");
    return "eval works";
  } catch {
    // refused, as it must be
  }
  try {
    if (document.cookie !== undefined) return "cookies can be read";
  } catch {
    // refused, as it must be
  }
  const blocked = new Promise<string>((resolve) => {
    setTimeout(() => resolve("a connection was not refused by the policy"), PROOF_DEADLINE_MS);
    addEventListener("securitypolicyviolation", (event) => {
      if (event.effectiveDirective === "connect-src") resolve("");
    });
  });
  fetch(`${host}/cell-proof`, { mode: "no-cors", credentials: "omit" }).catch(() => {});
  return await blocked;
}

/** The worker's script is read and parsed while the interpreter is still on its way. */
function open(bytes: ArrayBuffer): void {
  script = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  free(bytes);
  worker = new Worker(script);
  worker.onerror = (event) => event.preventDefault();
}

async function start({ memoryMB, wasm, snapshot }: Extract<CellOrder, { op: "start" }>): Promise<void> {
  const capped = setMemoryLimits(new Uint8Array(wasm), { maximumPages: memoryMB * PAGES_PER_MB });
  const module = await WebAssembly.compile(capped);
  free(wasm);
  worker?.postMessage({ op: "boot", module, snapshot }, [snapshot]);
}

function end(): void {
  worker?.terminate();
  worker = undefined;
  if (script) URL.revokeObjectURL(script);
}

function obey(control: MessagePort): void {
  let started = Promise.resolve();
  let bound = false;
  control.onmessage = ({ data, ports }: MessageEvent<CellOrder>) => {
    if (data.op === "end") {
      control.close();
      end();
    } else if (data.op === "start") {
      started = start(data);
      started.catch((error) => failed(control, "BOOT_FAILED", String(error).slice(0, 300)));
    } else if (data.op === "bind" && !bound && ports.length === 1) {
      bound = true;
      const moved = data.library ? [ports[0], data.library] : [ports[0]];
      started.then(() => worker?.postMessage(data, moved), () => {}); // a failed start was told above
    }
  };
}

function failed(control: MessagePort, code: string, message: string): void {
  control.postMessage({ op: "failed", code, message });
}

addEventListener("message", function accept(event: MessageEvent<CellInit>) {
  if (event.source !== parent || event.origin !== host || event.data?.kind !== "init") return;
  removeEventListener("message", accept);
  const control = event.ports[0];
  if (event.data.v !== PROTOCOL) {
    failed(control, "PROTOCOL_VERSION", `cell.html speaks version ${PROTOCOL}`);
    return;
  }
  open(event.data.script);
  obey(control);
});

faults().then((fault) => parent.postMessage({ kind: fault ? "unsafe" : "ready", v: PROTOCOL, fault }, host));

/**
 * One plugin's cell. Runs inline in cell.html: an opaque origin under a hash-only CSP, with no network.
 *
 * It proves its walls before it accepts anything, compiles the interpreter with the plugin's own memory maximum,
 * starts one worker from a blob, and hands it a port when the plugin comes. It listens to nothing its worker says.
 */
import { setMemoryLimits } from "../worker/wasm_memory.ts";
import { free } from "./free.ts";
import { PROTOCOL } from "./protocol.gen.ts";
import type { Binding, CellInit } from "./wire.ts";

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

async function start(init: CellInit, control: MessagePort): Promise<void> {
  const wasm = setMemoryLimits(new Uint8Array(init.wasm), { maximumPages: init.memoryMB * PAGES_PER_MB });
  const module = await WebAssembly.compile(wasm);
  script = URL.createObjectURL(new Blob([init.script], { type: "text/javascript" }));
  free(init.wasm, init.script);
  worker = new Worker(script);
  worker.onerror = (event) => event.preventDefault();
  worker.postMessage({ op: "boot", module, snapshot: init.snapshot }, [init.snapshot]);
  control.postMessage({ op: "started" });
}

function end(): void {
  worker?.terminate();
  worker = undefined;
  if (script) URL.revokeObjectURL(script);
}

function obey(control: MessagePort): void {
  let bound = false;
  control.onmessage = ({ data, ports }: MessageEvent<Binding | { op: "end" }>) => {
    if (data.op === "end") {
      control.close();
      end();
    } else if (data.op === "bind" && !bound && ports.length === 1) {
      bound = true;
      worker?.postMessage(data, data.library ? [ports[0], data.library] : [ports[0]]);
    }
  };
}

addEventListener("message", function accept(event: MessageEvent<CellInit>) {
  if (event.source !== parent || event.origin !== host || event.data?.kind !== "init") return;
  removeEventListener("message", accept);
  const control = event.ports[0];
  if (event.data.v !== PROTOCOL) {
    control.postMessage({ op: "failed", code: "PROTOCOL_VERSION", message: `cell.html speaks version ${PROTOCOL}` });
    return;
  }
  start(event.data, control).then(
    () => obey(control),
    (error) => control.postMessage({ op: "failed", code: "BOOT_FAILED", message: String(error).slice(0, 300) }),
  );
});

faults().then((fault) => parent.postMessage({ kind: fault ? "unsafe" : "ready", v: PROTOCOL, fault }, host));

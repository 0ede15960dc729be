/**
 * One plugin's cell. Runs inline in cell.html: an opaque origin under a hash-only CSP, with no network.
 *
 * It proves its walls before it accepts anything, compiles the interpreter with the plugin's own memory maximum, and
 * starts one worker from a blob with the port that its plugin will come by. It listens to nothing its worker says.
 */
import { setMemoryLimits } from "../worker/wasm_memory.ts";
import { free } from "./free.ts";
import { HOST_SILENCE_MS, PROTOCOL } from "./protocol.gen.ts";
import { BEAT_MS, Pulse } from "./pulse.ts";
import type { CellInit, CellOrder, CellWord, Interpreter } from "./wire.ts";

const PROOF_DEADLINE_MS = 3000;
const PAGES_PER_MB = 16;
const MEASURE_EVERY_TURNS = 15;
const host = new URL(location.href).origin;
let worker: Worker | undefined;
let script = "";
let started = false;
let turns = 0;

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
function open(blob: Blob, control: MessagePort): void {
  script = URL.createObjectURL(blob);
  worker = new Worker(script);
  worker.onerror = (event) => {
    event.preventDefault();
    if (started) return; // its plugin may throw what it likes
    failed(control, "BOOT_FAILED", "the browser started no worker; WebKit does not in a cross-origin isolated page");
  };
}

async function start({ wasm, snapshot }: Interpreter, memoryMB: number, plugin: MessagePort): Promise<void> {
  const capped = setMemoryLimits(new Uint8Array(wasm), { maximumPages: memoryMB * PAGES_PER_MB });
  const module = await WebAssembly.compile(capped);
  free(wasm);
  started = true;
  worker?.postMessage({ op: "boot", module, snapshot }, [snapshot, plugin]);
}

function end(): void {
  worker?.terminate();
  worker = undefined;
  if (script) URL.revokeObjectURL(script);
  clearInterval(turns);
}

function obeyHost(control: MessagePort): void {
  control.onmessage = ({ data }: MessageEvent<CellOrder>) => {
    if (data.op === "library") worker?.postMessage(data, [data.library]);
    else {
      end();
      control.postMessage({ op: "ended" });
      control.close();
    }
  };
}

/** The host's word to end may never come; then its beats do not come either. */
function obeyWatchdog(watchdog: MessagePort, memoryMB: number, plugin: MessagePort, control: MessagePort): void {
  const silence = new Pulse(HOST_SILENCE_MS);
  watchdog.onmessage = ({ data }: MessageEvent<CellWord>) => {
    silence.heard();
    if (data === "end") end();
    else if (data !== "beat") {
      start(data, memoryMB, plugin).catch((error) => failed(control, "BOOT_FAILED", String(error).slice(0, 300)));
    }
  };
  let turn = 0;
  turns = setInterval(() => {
    if (++turn % MEASURE_EVERY_TURNS === 0) measure(control);
    if (!silence.turn()) return;
    end();
    failed(control, "HOST_CRASHED", "the watchdog has gone silent");
  }, BEAT_MS);
}

/** The page's own measure of this cell with its worker, where the browser has one; it takes its time, and waits for a quiet one. */
async function measure(control: MessagePort): Promise<void> {
  const gauge = performance as Performance & { measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }> };
  if (!self.crossOriginIsolated || !gauge.measureUserAgentSpecificMemory) return;
  const { bytes } = await gauge.measureUserAgentSpecificMemory();
  control.postMessage({ op: "memory", bytes });
}

function failed(control: MessagePort, code: string, message: string): void {
  control.postMessage({ op: "failed", code, message });
}

addEventListener("message", function accept(event: MessageEvent<CellInit>) {
  if (event.source !== parent || event.origin !== host || event.data?.kind !== "init") return;
  removeEventListener("message", accept);
  const [control, plugin, watchdog] = event.ports;
  if (event.data.v !== PROTOCOL) {
    failed(control, "PROTOCOL_VERSION", `cell.html speaks version ${PROTOCOL}`);
    return;
  }
  open(event.data.script, control);
  obeyHost(control);
  obeyWatchdog(watchdog, event.data.memoryMB, plugin, control);
});

faults().then((fault) => parent.postMessage({ kind: fault ? "unsafe" : "ready", v: PROTOCOL, fault }, host));

/**
 * The process a plugin lives in where no browser is: what the plugin's worker is in a page, on its standard streams.
 *
 * UNTRUSTED from the first plugin byte on. Its walls are around it: no permission, an empty environment and folder,
 * limits of the operating system, and a host that counts, bounds and kills.
 */
import { exit, type Frame, readFrame, writeFrame } from "./pipe.ts";
import { bootPlugin } from "./plugin_boot.ts";
import { setMemoryLimits } from "./wasm_memory.ts";
import { free } from "../web/free.ts";

const PAGES_PER_MB = 16;

let takeLibrary: (library: ArrayBuffer) => void = () => {};
const library = new Promise<ArrayBuffer>((resolve) => takeLibrary = resolve);

/** As much of a port as the gate and the boot need. */
const port = {
  onmessage: null,
  onmessageerror: null,
  postMessage(message: string | [string, ...ArrayBuffer[]]) {
    if (typeof message === "string") writeFrame(message);
    else writeFrame(message[0], message.slice(1) as ArrayBuffer[]);
  },
  close() {},
} as unknown as MessagePort;

function deliver(data: unknown): void {
  port.onmessage?.({ data, ports: [] } as unknown as MessageEvent);
}

async function boot({ text, buffers: [wasm, snapshot] }: Frame): Promise<void> {
  const { memoryMB } = JSON.parse(text);
  const capped = setMemoryLimits(new Uint8Array(wasm), { maximumPages: memoryMB * PAGES_PER_MB });
  const module = await WebAssembly.compile(capped);
  free(wasm);
  await bootPlugin({ module, snapshot }, port, library);
  writeFrame("up");
}

/** First the interpreter, then for some the standard library, then what binds the port; from there on messages. */
async function listen(): Promise<void> {
  const first = await readFrame();
  if (first === null) return;
  const booting = boot(first);
  let bound = false;
  for (let frame = await readFrame(); frame !== null; frame = await readFrame()) {
    const { text, buffers } = frame;
    if (bound) deliver(buffers.length === 0 ? text : [text, ...buffers]);
    else {
      const told = JSON.parse(text);
      if (told.op === "library") takeLibrary(buffers[0]);
      else {
        await booting;
        deliver(told);
        bound = true;
      }
    }
  }
}

// Whoever started it is gone. A port of the interpreter's own would keep the process alive for ever.
listen().finally(() => exit(0));

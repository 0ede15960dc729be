/**
 * Frames on the standard streams: how many bytes of text, how many buffers, the length of each, and then all of that.
 *
 * Little-endian words of 32 bits. Takes what it needs of Deno and leaves nothing of it behind under its name: this
 * module is evaluated first, so that the loader of Pyodide finds no Deno to adapt to. Depth, not a wall: who breaks
 * out of Python finds the streams. The other end counts and bounds before it reads.
 */
import { stripGlobals } from "./hardening.ts";

declare const Deno: {
  stdin: { read(into: Uint8Array): Promise<number | null> };
  stdout: { writeSync(bytes: Uint8Array): number };
  exit(code: number): never;
};
const { stdin, stdout } = Deno;
/** Ends the process. */
export const exit = Deno.exit;
const ROOM = 65_536;
const WORD = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;
// Deno loads what these stand for when they are first asked for, which needs what is about to go.
for (const name of ["setTimeout", "clearTimeout", "MessageChannel", "performance", "crypto", "console"]) void scope[name];
const events = EventTarget.prototype;
const kept = Object.getOwnPropertyDescriptors(events);
stripGlobals(scope);
Object.defineProperties(events, kept); // Deno's own ports are written in JavaScript, and call these
scope.WorkerGlobalScope = Object; // the loader asks whether it is in a worker
scope.dispatchEvent = () => true; // Deno tells of the load and the end of its program by it
scope.addEventListener = scope.removeEventListener = undefined; // no browser's worker has them left

export interface Frame {
  text: string;
  buffers: ArrayBuffer[];
}

const room = new Uint8Array(ROOM);
let [from, to] = [0, 0]; // what of it was read from the stream and not yet taken

/** Fills `whole` with what comes next. False at the end of the stream. */
async function fill(whole: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const here = Math.min(whole.length, to - from);
  whole.set(room.subarray(from, from + here));
  from += here;
  for (let at = here; at < whole.length;) {
    const read = await stdin.read(whole.subarray(at));
    if (read === null) return false;
    at += read;
  }
  return true;
}

/** Has so many bytes in `room`, from `from` on. False at the end of the stream. */
async function have(bytes: number): Promise<boolean> {
  if (to - from >= bytes) return true;
  room.copyWithin(0, from, to);
  [from, to] = [0, to - from];
  while (to < bytes) {
    const read = await stdin.read(room.subarray(to));
    if (read === null) return false;
    to += read;
  }
  return true;
}

async function word(): Promise<number> {
  if (!await have(WORD)) return -1;
  const value = new DataView(room.buffer).getUint32(from, true);
  from += WORD;
  return value;
}

/** The next frame, or null at the end of the stream. It comes from the host, which is trusted. */
export async function readFrame(): Promise<Frame | null> {
  const textBytes = await word();
  const count = await word();
  const sizes: number[] = [];
  for (let i = 0; i < count; i++) sizes.push(await word());
  if (textBytes < 0 || count < 0) return null;
  const short = textBytes <= ROOM;
  if (short && !await have(textBytes)) return null;
  const bytes = short ? room.subarray(from, from += textBytes) : new Uint8Array(textBytes);
  if (!short && !await fill(bytes)) return null;
  const text = decoder.decode(bytes);
  const buffers: ArrayBuffer[] = [];
  for (const size of sizes) {
    const buffer = new Uint8Array(size);
    if (!await fill(buffer)) return null;
    buffers.push(buffer.buffer);
  }
  return { text, buffers };
}

let out = new Uint8Array(ROOM);

/** Writes one frame, all of it, before it returns. */
export function writeFrame(text: string, buffers: ArrayBuffer[] = []): void {
  const head = WORD * (2 + buffers.length);
  if (out.length < head + text.length * 3) out = new Uint8Array(head + text.length * 3);
  const { written } = encoder.encodeInto(text, out.subarray(head));
  const view = new DataView(out.buffer);
  [written, buffers.length, ...buffers.map((buffer) => buffer.byteLength)].forEach((value, at) =>
    view.setUint32(at * WORD, value, true)
  );
  write(out.subarray(0, head + written));
  for (const buffer of buffers) write(new Uint8Array(buffer));
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += stdout.writeSync(bytes.subarray(at));
}

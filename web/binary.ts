/**
 * Bytes inside JSON values: each stands in the text as `{"$bytes": i}` and travels beside it as the i-th buffer, by
 * transfer. What the caller passed is copied once, so nothing is ever taken away from under it.
 */
import { MAX_BUFFER_BYTES, MAX_BUFFERS } from "./protocol.gen.ts";
import { SandboxError } from "./sandbox_error.ts";

const KEY = "$bytes";
const DEEP = 64; // what nests deeper is left to JSON's own judgement

export interface Parcel {
  payload: string;
  buffers: ArrayBuffer[];
}

/** JSON of `value`, and its bytes. Throws SandboxError: INPUT_INVALID, or MESSAGE_LIMIT past what any plugin may get. */
export function split(value: unknown): Parcel {
  const buffers: ArrayBuffer[] = [];
  let payload: string | undefined;
  try {
    payload = JSON.stringify(value, mayHoldBytes(value, 0) ? taker(buffers) : undefined);
  } catch (error) {
    if (error instanceof SandboxError) throw error;
  }
  if (payload === undefined) throw invalid("it is no JSON value: send plain data");
  return { payload, buffers };
}

/** The value of `payload` with its bytes in it again, each as a Uint8Array. */
// deno-lint-ignore no-explicit-any
export function join(payload: string, buffers: ArrayBuffer[] | undefined): any {
  if (!buffers?.length) return JSON.parse(payload);
  return JSON.parse(payload, (_key, value) => standsForBytes(value) ? new Uint8Array(buffers[value[KEY]]) : value);
}

/** A look that is much quicker than a replacer, which JSON calls for every value. */
function mayHoldBytes(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > DEEP || KEY in value || "toJSON" in value || ArrayBuffer.isView(value) || tag(value) !== "") return true;
  const children = Array.isArray(value) ? value : Object.values(value);
  return children.some((child) => mayHoldBytes(child, depth + 1));
}

function taker(buffers: ArrayBuffer[]): (key: string, value: unknown) => unknown {
  let left = MAX_BUFFER_BYTES;
  return (_key, value) => {
    if (typeof value !== "object" || value === null) return value;
    if (standsForBytes(value)) throw invalid(`an object whose only key is "${KEY}" stands for bytes: name it otherwise`);
    if (ArrayBuffer.isView(value) && tag(value) !== "Uint8Array") throw invalid("send bytes as Uint8Array or ArrayBuffer");
    if (tag(value) === "") return value;
    const bytes = value as ArrayBuffer | Uint8Array;
    left -= bytes.byteLength;
    if (left < 0) throw tooMuch(`more than ${MAX_BUFFER_BYTES} bytes`, "bufferBytes");
    if (buffers.length === MAX_BUFFERS) throw tooMuch(`more than ${MAX_BUFFERS} buffers`, "messageBuffers");
    return { [KEY]: buffers.push(copyOf(bytes)) - 1 };
  };
}

function copyOf(bytes: ArrayBuffer | Uint8Array): ArrayBuffer {
  return ArrayBuffer.isView(bytes) ? new Uint8Array(bytes).buffer : bytes.slice(0);
}

/** What it is by its own word, which holds across frames, where `instanceof` does not; "" for everything else. */
function tag(value: object): string {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === "ArrayBuffer" || name === "Uint8Array" ? name : "";
}

function standsForBytes(value: unknown): value is { [KEY]: number } {
  return typeof value === "object" && value !== null && Object.hasOwn(value, KEY) && Object.keys(value).length === 1;
}

function invalid(why: string): SandboxError {
  return new SandboxError("INPUT_INVALID", `the value cannot be sent: ${why}`);
}

function tooMuch(what: string, limit: string): SandboxError {
  return new SandboxError("MESSAGE_LIMIT", `the value holds ${what}: see isolation.limits.${limit}`);
}

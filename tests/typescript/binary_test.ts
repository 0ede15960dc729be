import { deepStrictEqual, strictEqual, throws } from "node:assert";
import { join, split } from "../../web/binary.ts";
import { MAX_BUFFER_BYTES, MAX_BUFFERS } from "../../web/protocol.gen.ts";

/** What the other end has of it: the text, and the buffers' bytes as lists. */
function sent(value: unknown): [string, number[][]] {
  const { payload, buffers } = split(value);
  return [payload, buffers.map((buffer) => [...new Uint8Array(buffer)])];
}

function nested(depth: number, inmost: unknown): unknown {
  let value = inmost;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

class Wrapped {
  toJSON() {
    return { inner: new Uint8Array([9]) };
  }
}

Deno.test("values without bytes are plain JSON", () => {
  const value = { a: [1, "x", null, true], d: new Date(0), u: undefined };
  deepStrictEqual(sent(value), [JSON.stringify(value), []]);
});

Deno.test("bytes anywhere go beside the text", () => {
  const shared = new Uint8Array([1, 2, 3, 4]);
  deepStrictEqual(sent(shared), ['{"$bytes":0}', [[1, 2, 3, 4]]]);
  deepStrictEqual(sent({ a: [shared.subarray(1, 3)], b: shared.buffer, c: shared.subarray(0, 0) }), [
    '{"a":[{"$bytes":0}],"b":{"$bytes":1},"c":{"$bytes":2}}',
    [[2, 3], [1, 2, 3, 4], []],
  ]);
  deepStrictEqual(sent({ w: new Wrapped() }), ['{"w":{"inner":{"$bytes":0}}}', [[9]]]);
  deepStrictEqual(sent(nested(100, shared))[1], [[1, 2, 3, 4]]);
  deepStrictEqual(sent(new Uint8Array(new SharedArrayBuffer(2))), ['{"$bytes":0}', [[0, 0]]]);
});

Deno.test("what the caller passed stays its own", () => {
  const mine = new Uint8Array([1, 2]);
  const { buffers } = split({ mine, again: mine.buffer });
  structuredClone(null, { transfer: buffers });
  mine[0] = 7;
  deepStrictEqual([...mine], [7, 2]);
});

Deno.test("somebody's own object of that one key is refused, and one with more keys is not", () => {
  throws(() => split({ a: { $bytes: 0 } }), { code: "INPUT_INVALID", message: /"\$bytes" stands for bytes/ });
  throws(() => split([new Uint8Array(1), { $bytes: 0 }]), { code: "INPUT_INVALID" });
  deepStrictEqual(sent({ $bytes: 0, more: 1 }), ['{"$bytes":0,"more":1}', []]);
});

const endless: unknown[] = [];
endless.push(endless, endless);
const REFUSED: [string, unknown, RegExp][] = [
  ["a cycle", endless, /no JSON/],
  ["a BigInt", 1n, /no JSON/],
  ["nothing at all", undefined, /no JSON/],
  ["floats", { f: new Float32Array(2) }, /as Uint8Array or ArrayBuffer/],
  ["a view of data", new DataView(new ArrayBuffer(1)), /as Uint8Array or ArrayBuffer/],
  ["a buffer that was given away", detached(), /no JSON/],
];
for (const [what, value, message] of REFUSED) {
  Deno.test(`${what} is refused`, () => throws(() => split(value), { code: "INPUT_INVALID", message }));
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(4);
  structuredClone(null, { transfer: [buffer] });
  return buffer;
}

Deno.test("more than any plugin may get is refused before it is copied", () => {
  const half = new ArrayBuffer(MAX_BUFFER_BYTES / 2 + 1);
  throws(() => split([half, half]), { code: "MESSAGE_LIMIT", message: /isolation\.limits\.bufferBytes/ });
  const many = Array.from({ length: MAX_BUFFERS + 1 }, () => new Uint8Array(0));
  throws(() => split(many), { code: "MESSAGE_LIMIT", message: /isolation\.limits\.messageBuffers/ });
  strictEqual(split(many.slice(1)).buffers.length, MAX_BUFFERS);
});

Deno.test("deep values are left to the host's judgement", () => {
  strictEqual(split(nested(2000, 1)).payload.length, 4001);
});

Deno.test("what was taken out comes back where it was, as Uint8Array", () => {
  const value = { a: [new Uint8Array([1])], b: { c: new Uint8Array(0) }, $bytes: 3 };
  const { payload, buffers } = split(value);
  deepStrictEqual(join(payload, buffers), value);
});

Deno.test("without buffers it is plain data", () => {
  deepStrictEqual(join('{"$bytes":0}', []), { $bytes: 0 });
  deepStrictEqual(join('{"$bytes":0}', undefined), { $bytes: 0 });
});

import { deepStrictEqual, strictEqual, throws } from "node:assert";
import { PAGE_BYTES, setMemoryLimits } from "../../worker/wasm_memory.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A module that exports one memory, its maximum padded to five bytes as Pyodide's is. */
const PADDED = [0x80 | 2, 0x80, 0x80, 0x80, 0x00];

function withMemory(memory: number[], before: number[] = []): Uint8Array<ArrayBuffer> {
  const exported = [7, 5, 1, 1, 0x6d, 2, 0]; // (export "m" (memory 0))
  return new Uint8Array([...HEADER, ...before, 5, memory.length, ...memory, ...exported]);
}

async function memoryOf(wasm: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Memory> {
  const { instance } = await WebAssembly.instantiate(wasm);
  return instance.exports.m as WebAssembly.Memory;
}

Deno.test("the memory grows to the new maximum and no further", async () => {
  const memory = await memoryOf(setMemoryLimits(withMemory([1, 1, 1, ...PADDED]), { maximumPages: 300 }));
  strictEqual(memory.grow(299), 1);
  strictEqual(memory.buffer.byteLength, 300 * PAGE_BYTES);
  throws(() => memory.grow(1), RangeError);
});

Deno.test("without the change the same memory grows past it", async () => {
  const memory = await memoryOf(withMemory([1, 1, 1, 0x80, 0x80, 0x04]));
  strictEqual(memory.grow(300), 1);
});

Deno.test("sections before the memory are stepped over, long ones too", () => {
  const custom = [0, 0x82, 0x01, 1, 0x78, ...new Array(128).fill(5)]; // 130 bytes, full of what looks like section 5
  const wasm = withMemory([1, 1, 1, ...PADDED], custom);
  setMemoryLimits(wasm, { maximumPages: 7 });
  deepStrictEqual([...wasm.slice(-12, -7)], [0x87, 0x80, 0x80, 0x80, 0x00]);
});

Deno.test("a maximum below the minimum is refused", () => {
  throws(() => setMemoryLimits(withMemory([1, 1, 9, ...PADDED]), { maximumPages: 8 }), /below its minimum of 9/);
});

Deno.test("a maximum that does not fit in place is refused", () => {
  throws(() => setMemoryLimits(withMemory([1, 1, 1, 2]), { maximumPages: 200 }), /does not fit/);
});

Deno.test("what is no single memory with a maximum is refused", () => {
  throws(() => setMemoryLimits(withMemory([1, 0, 1]), { maximumPages: 2 }), /one memory with a maximum/);
  throws(() => setMemoryLimits(new Uint8Array(HEADER), { maximumPages: 2 }), /no memory section/);
});

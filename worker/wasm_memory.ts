/**
 * Sets the limits of the memory that a wasm binary declares, in its bytes, before they are compiled.
 *
 * The engine then refuses to grow past the maximum: Python sees a clean MemoryError. Pyodide's binary pads the
 * maximum to five bytes of LEB128, so it is overwritten in place (WebAssembly core spec 1.0, 5.4.5 and 5.5.8).
 */
export const PAGE_BYTES = 65_536;
const MEMORY_SECTION = 5;

export function setMemoryLimits(
  wasm: Uint8Array<ArrayBuffer>,
  limits: { maximumPages: number },
): Uint8Array<ArrayBuffer> {
  let at = 8; // past magic and version
  while (at < wasm.length) {
    const section = wasm[at++];
    const [size, body] = readLeb(wasm, at);
    if (section === MEMORY_SECTION) {
      const flags = wasm[body + 1];
      if (wasm[body] !== 1 || (flags & 1) === 0) throw new Error("expected one memory with a maximum");
      const [minimum, maximumAt] = readLeb(wasm, body + 2);
      const width = body + size - maximumAt;
      if (limits.maximumPages < minimum) throw new Error(`the memory's maximum is below its minimum of ${minimum} pages`);
      writePaddedLeb(wasm, maximumAt, width, limits.maximumPages);
      return wasm;
    }
    at = body + size;
  }
  throw new Error("no memory section");
}

function readLeb(bytes: Uint8Array, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if ((byte & 0x80) === 0) return [value, at];
  }
  throw new Error("a number in the wasm binary is too long");
}

function writePaddedLeb(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0; i < width; i++) {
    bytes[at + i] = (value & 0x7f) | (i < width - 1 ? 0x80 : 0);
    value = Math.floor(value / 128);
  }
  if (value !== 0) throw new Error("the new maximum does not fit in place");
}

/**
 * Reads the snapshot that the build writes (see pysandbox/runtime/deno/sparse.ts): only pages that hold something are
 * shipped, moved and copied; the rest of a fresh heap is zero, and stays untouched memory.
 */
const MAGIC = 0x324e5350;
const PAGE = 4096;
const RUNS_AT = 20;

export interface Snapshot {
  /** Pyodide's own header, which its loader checks. */
  header: Uint8Array;
  heapBytes: number;
  /** Puts the interpreter's constants into a heap of at least `heapBytes`, before anything runs there. */
  putConstants(heap: Uint8Array): void;
  /** Makes such a heap the one that was taken. */
  copyTo(heap: Uint8Array): void;
}

export function readSnapshot(packed: Uint8Array): Snapshot {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("snapshot.bin is not a snapshot of this build");
  const word = (at: number) => view.getUint32(at, true);
  const [headerBytes, heapBytes, constants, changes] = [word(4), word(8), word(12), word(16)];
  const headerAt = RUNS_AT + (constants + changes) * 8;
  const runs = Array.from({ length: constants + changes }, (_, run) => {
    return { to: word(RUNS_AT + run * 8) * PAGE, bytes: word(RUNS_AT + 4 + run * 8) * PAGE };
  });
  const copy = (heap: Uint8Array, first: number, end: number) => {
    let at = headerAt + headerBytes;
    for (const [run, { to, bytes }] of runs.entries()) {
      if (run >= first && run < end) heap.set(packed.subarray(at, at + bytes), to);
      at += bytes;
    }
  };
  return {
    header: packed.subarray(headerAt, headerAt + headerBytes),
    heapBytes,
    putConstants: (heap) => copy(heap, 0, constants),
    copyTo: (heap) => copy(heap, constants, runs.length),
  };
}

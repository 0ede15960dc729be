/**
 * Reads the sparse snapshot that the build writes (see pysandbox/runtime/deno/sparse.ts): only pages that hold
 * something are shipped, moved and copied; the rest of a fresh heap is zero, and stays untouched memory.
 */
const MAGIC = 0x504e5350;
const PAGE = 4096;

export interface Snapshot {
  /** Pyodide's own header, which its loader checks. */
  header: Uint8Array;
  heapBytes: number;
  /** Copies the pages into a heap of at least `heapBytes`. */
  copyTo(heap: Uint8Array): void;
}

export function readSnapshot(packed: Uint8Array): Snapshot {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("snapshot.bin is not a snapshot of this build");
  const headerBytes = view.getUint32(4, true);
  const heapBytes = view.getUint32(8, true);
  const runs = view.getUint32(12, true);
  const pagesAt = 16 + runs * 8 + headerBytes;
  return {
    header: packed.subarray(16 + runs * 8, pagesAt),
    heapBytes,
    copyTo(heap) {
      let at = pagesAt;
      for (let run = 0; run < runs; run++) {
        const first = view.getUint32(16 + run * 8, true);
        const bytes = view.getUint32(20 + run * 8, true) * PAGE;
        heap.set(packed.subarray(at, at + bytes), first * PAGE);
        at += bytes;
      }
    },
  };
}

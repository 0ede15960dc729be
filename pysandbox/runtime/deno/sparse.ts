/**
 * A snapshot without what a fresh heap has anyway: pages of zeros, and the interpreter's constants, which the wasm
 * brings along. About a third of the heap is left.
 *
 * Layout, little-endian: magic "PSNP", u32 length of Pyodide's own header, u32 heap bytes, u32 number of runs, then
 * per run u32 first page, u32 pages; then the header; then the runs' pages, in order. Read by worker/snapshot.ts.
 */
export const MAGIC = 0x504e5350;
export const SPARSE_PAGE = 4096;

/** What the heap holds at the moment when a snapshot is copied into it. */
export interface Base {
  pristine: Uint8Array; // right after instantiation
  before: Uint8Array; // right before the copy: what the glue's start has written is different here
}

/** Packs what `makeMemorySnapshot()` returned. Pyodide's header tells at word 1 where the heap begins. */
export function packSnapshot(snapshot: Uint8Array, base: Base): Uint8Array {
  const headerBytes = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(4, true);
  const heap = snapshot.subarray(headerBytes);
  if (base.pristine.length !== heap.length || base.before.length !== heap.length) {
    throw new Error("the heaps differ in size");
  }
  const runs: [number, number][] = [];
  for (let page = 0; page * SPARSE_PAGE < heap.length; page++) {
    if (isThere(heap, base, page * SPARSE_PAGE)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === page) last[1]++;
    else runs.push([page, 1]);
  }
  const pages = runs.reduce((sum, [, count]) => sum + count, 0);
  const packed = new Uint8Array(16 + runs.length * 8 + headerBytes + pages * SPARSE_PAGE);
  const view = new DataView(packed.buffer);
  [MAGIC, headerBytes, heap.length, runs.length].forEach((word, i) => view.setUint32(i * 4, word, true));
  runs.forEach(([first, count], i) => {
    view.setUint32(16 + i * 8, first, true);
    view.setUint32(20 + i * 8, count, true);
  });
  let at = 16 + runs.length * 8;
  packed.set(snapshot.subarray(0, headerBytes), at);
  at += headerBytes;
  for (const [first, count] of runs) {
    packed.set(heap.subarray(first * SPARSE_PAGE, (first + count) * SPARSE_PAGE), at);
    at += count * SPARSE_PAGE;
  }
  return packed;
}

/** Whether the page needs no copy. One that the glue wrote to always does: another engine may write otherwise. */
function isThere(heap: Uint8Array, { pristine, before }: Base, from: number): boolean {
  for (let at = from; at < from + SPARSE_PAGE; at++) {
    if (heap[at] !== pristine[at] || before[at] !== pristine[at]) return false;
  }
  return true;
}

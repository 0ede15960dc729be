/**
 * A snapshot without its zero pages: about half of a fresh heap.
 *
 * Layout, little-endian: magic "PSNP", u32 length of Pyodide's own header, u32 heap bytes, u32 number of runs, then
 * per run u32 first page, u32 pages; then the header; then the runs' pages, in order. Read by worker/snapshot.ts.
 */
export const MAGIC = 0x504e5350;
export const SPARSE_PAGE = 4096;

/** Packs what `makeMemorySnapshot()` returned. Pyodide's header tells at word 1 where the heap begins. */
export function packSnapshot(snapshot: Uint8Array): Uint8Array {
  const headerBytes = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(4, true);
  const heap = snapshot.subarray(headerBytes);
  const runs: [number, number][] = [];
  for (let page = 0; page * SPARSE_PAGE < heap.length; page++) {
    if (heap.subarray(page * SPARSE_PAGE, (page + 1) * SPARSE_PAGE).every((byte) => byte === 0)) continue;
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

/**
 * A snapshot by pages, in two parts: the interpreter's constants, which are put into a heap before anything runs there,
 * and what a restored heap holds beside them. Pages of zeros are in neither.
 *
 * The constants come out of the wasm, whose data segments are dropped: an engine keeps a wasm's bytes for as long as it
 * lives, a snapshot's go once it is restored.
 *
 * Layout, little-endian: magic "PSN2", u32 length of Pyodide's own header, u32 heap bytes, u32 number of runs of
 * constants, u32 number of runs of the heap, then per run u32 first page, u32 pages; then the header; then the runs'
 * pages, in order. Read by worker/snapshot.ts.
 */
export const MAGIC = 0x324e5350;
export const SPARSE_PAGE = 4096;
const WORDS = 5;

/** What the heap holds at the moment when a snapshot is copied into it. */
export interface Base {
  pristine: Uint8Array; // the constants alone: right after instantiation
  before: Uint8Array; // right before the copy: what the glue's start has written is different here
}

type Run = [first: number, count: number];

/** Packs what `makeMemorySnapshot()` returned. Pyodide's header tells at word 1 where the heap begins. */
export function packSnapshot(snapshot: Uint8Array, base: Base): Uint8Array {
  const headerBytes = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(4, true);
  const heap = snapshot.subarray(headerBytes);
  if (base.pristine.length !== heap.length || base.before.length !== heap.length) {
    throw new Error("the heaps differ in size");
  }
  const constants = runsOf(heap.length, (from) => !isZero(base.pristine, from));
  const changes = runsOf(heap.length, (from) => !isThere(heap, base, from));
  const runs = [...constants, ...changes];
  const pages = runs.reduce((sum, [, count]) => sum + count, 0);
  const packed = new Uint8Array(WORDS * 4 + runs.length * 8 + headerBytes + pages * SPARSE_PAGE);
  const words = [MAGIC, headerBytes, heap.length, constants.length, changes.length, ...runs.flat()];
  const view = new DataView(packed.buffer);
  words.forEach((word, i) => view.setUint32(i * 4, word, true));
  let at = words.length * 4;
  const put = (bytes: Uint8Array) => {
    packed.set(bytes, at);
    at += bytes.length;
  };
  put(snapshot.subarray(0, headerBytes));
  for (const run of constants) put(pagesOf(base.pristine, run));
  for (const run of changes) put(pagesOf(heap, run));
  return packed;
}

function pagesOf(heap: Uint8Array, [first, count]: Run): Uint8Array {
  return heap.subarray(first * SPARSE_PAGE, (first + count) * SPARSE_PAGE);
}

function runsOf(bytes: number, isWanted: (from: number) => boolean): Run[] {
  const runs: Run[] = [];
  for (let page = 0; page * SPARSE_PAGE < bytes; page++) {
    if (!isWanted(page * SPARSE_PAGE)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === page) last[1]++;
    else runs.push([page, 1]);
  }
  return runs;
}

function isZero(heap: Uint8Array, from: number): boolean {
  for (let at = from; at < from + SPARSE_PAGE; at++) if (heap[at] !== 0) return false;
  return true;
}

/** Whether the page needs no copy. One that the glue wrote to always does: another engine may write otherwise. */
function isThere(heap: Uint8Array, { pristine, before }: Base, from: number): boolean {
  for (let at = from; at < from + SPARSE_PAGE; at++) {
    if (heap[at] !== pristine[at] || before[at] !== pristine[at]) return false;
  }
  return true;
}

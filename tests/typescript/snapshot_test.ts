import { deepStrictEqual, strictEqual, throws } from "node:assert";
import { packSnapshot, SPARSE_PAGE } from "../../pysandbox/runtime/deno/sparse.ts";
import { readSnapshot } from "../../worker/snapshot.ts";

const PAGES = 12;
const HEADER = 64;

/** A snapshot as Pyodide makes it: header with its own length at word 1, then the heap. */
function snapshotOf(heap: Uint8Array): Uint8Array {
  const snapshot = new Uint8Array(HEADER + heap.length).fill(9, 0, HEADER);
  new DataView(snapshot.buffer).setUint32(4, HEADER, true);
  snapshot.set(heap, HEADER);
  return snapshot;
}

function heapWith(bytes: Record<number, number>): Uint8Array {
  const heap = new Uint8Array(PAGES * SPARSE_PAGE);
  for (const [at, value] of Object.entries(bytes)) heap[Number(at)] = value;
  return heap;
}

const CONSTANTS = heapWith({ 0: 1, [2 * SPARSE_PAGE]: 2, [5 * SPARSE_PAGE - 1]: 3 });

Deno.test("what is restored into an empty heap is the heap that was taken", () => {
  const heap = heapWith({
    0: 1,
    [2 * SPARSE_PAGE]: 7,
    [5 * SPARSE_PAGE - 1]: 3,
    [6 * SPARSE_PAGE]: 4,
    [8 * SPARSE_PAGE]: 5,
  });
  const before = CONSTANTS.slice();
  before[9 * SPARSE_PAGE + 3] = 1; // the glue's start has written here, where the snapshot has zeros
  const read = readSnapshot(packSnapshot(snapshotOf(heap), { pristine: CONSTANTS, before }));
  strictEqual(read.heapBytes, heap.length);
  strictEqual(read.header.length, HEADER);
  const fresh = heapWith({});
  read.putConstants(fresh);
  deepStrictEqual(fresh, CONSTANTS);
  fresh[9 * SPARSE_PAGE + 3] = 1;
  read.copyTo(fresh);
  deepStrictEqual(fresh, heap);
});

Deno.test("constants are sent once; zeros are not sent", () => {
  const packed = packSnapshot(snapshotOf(CONSTANTS), { pristine: CONSTANTS, before: CONSTANTS });
  strictEqual(packed.length, 20 + 3 * 8 + HEADER + 3 * SPARSE_PAGE);
});

Deno.test("a page that the start writes to is sent even if it looks the same", () => {
  const before = CONSTANTS.slice();
  before[0] = 77;
  const packed = packSnapshot(snapshotOf(CONSTANTS), { pristine: CONSTANTS, before });
  strictEqual(packed.length, 20 + 4 * 8 + HEADER + 4 * SPARSE_PAGE);
});

Deno.test("neighbouring pages are one run", () => {
  const heap = heapWith({ [3 * SPARSE_PAGE]: 1, [4 * SPARSE_PAGE]: 1, [7 * SPARSE_PAGE]: 1 });
  const fresh = heapWith({});
  const packed = packSnapshot(snapshotOf(heap), { pristine: fresh, before: fresh });
  strictEqual(packed.length, 20 + 2 * 8 + HEADER + 3 * SPARSE_PAGE);
});

Deno.test("heaps of another size are refused", () => {
  const short = new Uint8Array(SPARSE_PAGE);
  throws(() => packSnapshot(snapshotOf(CONSTANTS), { pristine: short, before: CONSTANTS }), /differ in size/);
});

Deno.test("what is no snapshot of this build is refused", () => {
  throws(() => readSnapshot(new Uint8Array(64)), /not a snapshot/);
});

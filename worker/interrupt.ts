/**
 * SIGINT at a time, without shared memory: the interpreter asks this "buffer" every few dozen jumps and calls.
 *
 * That it asks is worth something even where nothing is due: it comes back to JavaScript then, and only there does
 * WebKit end a worker that was terminated. Without it a busy loop would burn a core for as long as the page is open.
 */
export interface Interrupt {
  buffer: Uint8Array<ArrayBuffer>;
  /** Once, so many milliseconds from now; replaces what was asked before. */
  in(delayMs: number): void;
}

const SIGINT = 2;

export function makeInterrupt(now: () => number = performance.now.bind(performance)): Interrupt {
  let at = Infinity;
  const buffer = {
    get 0() {
      if (now() < at) return 0;
      at = Infinity;
      return SIGINT;
    },
    set 0(_signal) {
      // Pyodide writes a zero back after each look
    },
  };
  return {
    buffer: buffer as unknown as Uint8Array<ArrayBuffer>,
    in(delayMs) {
      at = now() + delayMs;
    },
  };
}

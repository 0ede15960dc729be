/**
 * Fixes entropy and clocks of this process, so that a snapshot is reproducible byte for byte. Whoever restores one
 * must reseed.
 */
const FIXED_MS = Date.UTC(2026, 0, 1);
let state = 0x9e3779b9;

/** Bytes of a linear congruential generator (Numerical Recipes' constants): the same at each run. */
export function fillFixed(array: Uint8Array): void {
  for (let i = 0; i < array.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    array[i] = state >>> 24;
  }
}

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

export function fixWorld(): void {
  const RealDate = Date;
  const FixedDate = function (this: unknown, ...parts: unknown[]) {
    return parts.length ? Reflect.construct(RealDate, parts) : new RealDate(FIXED_MS);
  };
  Object.setPrototypeOf(FixedDate, RealDate);
  FixedDate.prototype = RealDate.prototype;
  FixedDate.now = () => FIXED_MS;
  scope.Date = FixedDate;
  performance.now = () => 1;
  Math.random = () => 0.5;
  crypto.getRandomValues = ((array: Uint8Array) => {
    fillFixed(array);
    return array;
  }) as typeof crypto.getRandomValues;
}

/**
 * Where wasm GC is there, Pyodide puts a call trampoline into the function table and its index into the heap; an
 * engine without it could not run such a snapshot. So exactly that tiny module is refused: one snapshot for all.
 */
export function refuseTrampoline(): void {
  WebAssembly.Module = new Proxy(WebAssembly.Module, {
    construct(target, [bytes]) {
      const view = new Uint8Array(bytes as ArrayBuffer);
      if (view.length < 4000 && view.includes(0xfb)) throw new WebAssembly.CompileError("no wasm GC in snapshots");
      return Reflect.construct(target, [bytes]);
    },
  });
}

/** Runs `task` while the loader takes this process for a browser's worker, not for Node or Deno. */
export async function asWorker<T>(task: () => Promise<T>): Promise<T> {
  const hidden = { Deno: scope.Deno, process: scope.process };
  delete scope.process;
  delete scope.Deno;
  scope.WorkerGlobalScope = class {
    static [Symbol.hasInstance]() {
      return true;
    }
  };
  scope.self ??= globalThis;
  try {
    return await task();
  } finally {
    scope.Deno = hidden.Deno;
    scope.process = hidden.process;
    delete scope.WorkerGlobalScope;
  }
}

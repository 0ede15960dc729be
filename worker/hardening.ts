/**
 * Depth inside a realm that is not trusted anyway: what is not on the list is gone before Python starts.
 *
 * An allowlist, because each new browser version adds names. The walk covers the global and its prototype chain.
 */
const KEEP = new Set(
  `Object Function Array Number Boolean String Symbol Date Promise RegExp Error AggregateError EvalError RangeError
  ReferenceError SyntaxError TypeError URIError globalThis JSON Math ArrayBuffer Int8Array Uint8Array Int16Array
  Uint16Array Int32Array Uint32Array Float32Array Float64Array Uint8ClampedArray BigInt64Array BigUint64Array DataView
  Map BigInt Set WeakMap WeakRef Proxy Reflect FinalizationRegistry isNaN isFinite parseInt parseFloat undefined NaN
  Infinity console WorkerGlobalScope URL TextDecoder TextEncoder WebAssembly self performance crypto clearTimeout
  setTimeout MessageChannel queueMicrotask constructor onmessage`.split(/\s+/),
);
/** What even the loader needs no more once Python runs. */
const AFTER_BOOT = ["fetch", "WebAssembly", "WorkerGlobalScope", "onmessage", "location", "URL"];

// deno-lint-ignore no-explicit-any
type Bag = any;

export function stripGlobals(scope: Bag): string[] {
  const left: string[] = [];
  for (let holder = scope; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    for (const name of Reflect.ownKeys(holder)) {
      if (typeof name === "string" && KEEP.has(name)) continue;
      if (!remove(holder, name) && typeof name === "string") left.push(name);
    }
  }
  // The loader resolves its file names against this; nothing is there.
  const nowhere = Object.freeze({ href: "https://pyodide.invalid/", toString: () => "https://pyodide.invalid/" });
  Object.defineProperty(scope, "location", { value: nowhere, configurable: true });
  return left;
}

/** Takes away what only the loader needed. */
export function stripLoader(scope: Bag): void {
  for (const name of AFTER_BOOT) {
    for (let holder = scope; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
      remove(holder, name);
    }
  }
}

function remove(holder: Bag, name: string | symbol): boolean {
  try {
    return Reflect.deleteProperty(holder, name);
  } catch {
    return false; // an exotic property that refuses even the question: reported by the caller
  }
}

/** Functions of the Emscripten glue that evaluate, connect or load, or keep bytes outside the interpreter's memory. */
const EVALUATES = /^_?emscripten_(run_script|async_|wget|websocket|fetch|create_worker|destroy_worker|call_worker|idb_)/;
const CONNECTS = /^(__syscall_pipe|_dlopen_js|_dlopen_js__async|_emscripten_dlopen_js|emscripten_dlopen|getaddrinfo)$/;

/** What those answer that have more to say than nothing: ENOSYS by WASI's number, EAI_NONAME. */
const ANSWERS = new Map([["__syscall_pipe", -52], ["getaddrinfo", -2]]);

/**
 * Replaces those imports of the interpreter by ones that do nothing. Several names share one function and one slot in
 * the table, so one stub stands for each original, whatever its name.
 */
export function stubImports(imports: Record<string, Record<string, unknown>>): void {
  const stubs = new Map<unknown, unknown>();
  for (const [name, original] of Object.entries(imports.env)) {
    if (typeof original !== "function" || !(EVALUATES.test(name) || CONNECTS.test(name))) continue;
    let stub = stubs.get(original);
    if (stub === undefined) {
      stub = Object.assign(ANSWERS.has(name) ? () => ANSWERS.get(name) : () => 0, { sig: (original as Bag).sig });
      stubs.set(original, stub);
    }
    imports.env[name] = stub;
  }
}

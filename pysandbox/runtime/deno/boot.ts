/** What the build's Deno scripts share about starting Pyodide. */

/** What Pyodide wants to see of a lock file: no package, nothing to fetch. */
export const EMPTY_LOCK = {
  info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2", version: "314.0.7" },
  packages: {},
};
/** In place of a path of this machine, which would end in the heap. */
export const EXECUTABLE = "/pyodide/python";

/**
 * The assets of one build, fetched together and used only if their SHA-256 is the one compiled in here.
 */
declare const __PYSANDBOX_BUILD__: { build: string; sha256: Record<string, string> };

/** Whoever waits has a shorter deadline of its own; this one gives the connection back. */
const LATEST_MS = 60_000;

export class AssetError extends Error {
  constructor(readonly code: "ASSET_TAMPERED" | "BOOT_FAILED", message: string) {
    super(message);
  }
}

export interface Assets {
  wasm: Promise<ArrayBuffer>;
  module: Promise<WebAssembly.Module>;
  snapshot: Promise<ArrayBuffer>;
  hostWorker: Promise<Blob>;
  pluginWorker: Promise<Blob>;
  watchdog: Promise<Blob>;
  /** The standard library: fetched when the first plugin asks for more than the snapshot holds. */
  library(): Promise<ArrayBuffer>;
}

export function loadAssets(): Assets {
  const wasm = load("pyodide.asm.wasm");
  let library: Promise<ArrayBuffer> | undefined;
  const assets: Assets = {
    wasm,
    module: wasm.then((bytes) => WebAssembly.compile(bytes)),
    hostWorker: script("host_worker.js"),
    snapshot: load("snapshot.bin"),
    pluginWorker: script("plugin_worker.js"),
    watchdog: script("watchdog.js"),
    library: () => library ??= load("python_stdlib.zip"),
  };
  // Whoever awaits them hears of a failure; until then it is no unhandled one.
  for (const asset of Object.values(assets)) if (asset instanceof Promise) asset.catch(() => {});
  return assets;
}

async function script(name: string): Promise<Blob> {
  return new Blob([await load(name)], { type: "text/javascript" });
}

async function fetched(path: string): Promise<ArrayBuffer> {
  const answer = await fetch(path, { credentials: "omit", signal: AbortSignal.timeout(LATEST_MS) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return await answer.arrayBuffer();
}

async function load(name: string): Promise<ArrayBuffer> {
  const { build, sha256 } = __PYSANDBOX_BUILD__;
  const bytes = await fetched(`/assets/${build}/${name}`).catch((error) => {
    throw new AssetError("BOOT_FAILED", `${name} could not be fetched (${error?.message ?? error})`);
  });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== sha256[name]) throw new AssetError("ASSET_TAMPERED", `${name} does not have the SHA-256 of this build`);
  return bytes;
}

/**
 * The host frame: loads and checks the assets, starts the host worker and the watchdog, and is the cells' parent.
 *
 * Runs inline in host.html on the sandbox origin. It accepts one `init` from its own parent, and only where the
 * deployment allows that page's origin. Messages of the page and of plugins do not pass through here.
 */
import { Cells } from "./cells.ts";
import { loadAssets } from "./assets.ts";
import { DEFAULT_MEMORY_MB, PROTOCOL } from "./protocol.gen.ts";
import type { FrameOrder, FromWatchdog, HostBoot, SpareWish } from "./wire.ts";

interface Config {
  apiBase: string;
  allowedOrigins: string[];
  chaos?: string;
}

interface Init {
  kind: "init";
  v: number;
  spares: SpareWish;
}

const config: Config = JSON.parse(document.querySelector<HTMLMetaElement>("meta[name=pysandbox-config]")!.content);
const assets = loadAssets();

let stop = () => {};

/** Of the session that is open; the worker cannot end it when the page goes away, because it goes with the page. */
let token = "";
/** What that session still has to tell of its plugins, as JSON. */
let telemetry = "";

async function start(init: Init, pagePort: MessagePort): Promise<void> {
  const frame = new MessageChannel();
  const hostToWatchdog = new MessageChannel();
  const frameToWatchdog = new MessageChannel();
  const cells = new Cells(assets, frameToWatchdog.port1, (cell, code, message) => {
    if (code === "HOST_CRASHED") fail(code, message);
    else frame.port1.postMessage({ cell, code, message });
  }, (cell, bytes) => frame.port1.postMessage({ cell, bytes }));
  // The first cell starts beside everything else that starts.
  const firstPlugin = new MessageChannel();
  const first = { cell: 0, memoryMB: init.spares.memoryMB ?? DEFAULT_MEMORY_MB, port: firstPlugin.port1 };
  cells.make(first.cell, first.memoryMB, firstPlugin.port2);
  frameToWatchdog.port1.onmessage = ({ data }: MessageEvent<FromWatchdog>) => {
    if (data.op === "end") cells.end(data.cell);
    else fail("HOST_CRASHED", "the host worker has gone silent");
  };
  frame.port1.onmessage = ({ data, ports }: MessageEvent<FrameOrder>) => {
    if (data.op === "make") cells.make(data.cell, data.memoryMB, ports[0]);
    else if (data.op === "library") cells.giveLibrary(data.cell);
    else if (data.op === "end") cells.end(data.cell);
    else if (data.op === "leave") token = data.token;
    else if (data.op === "hold") telemetry = data.telemetry;
    else fail(data.code, data.message);
  };
  // The scripts are read and parsed while the interpreter is still on its way.
  const workers = [assets.watchdog, assets.hostWorker].map((script) => script.then(startWorker));
  stop = () => {
    cells.endAll();
    for (const worker of workers) worker.then((started) => started.terminate(), () => {});
  };
  const [watchdog, host] = await Promise.all(workers);
  watchdog.postMessage(null, [hostToWatchdog.port2, frameToWatchdog.port2]);
  const [wasm, snapshot] = await Promise.all([assets.wasm, assets.snapshot]);
  const own = snapshot.slice(0);
  frameToWatchdog.port1.postMessage({ op: "interpreter", wasm, snapshot }, [wasm, snapshot]);
  const boot: HostBoot = {
    pagePort,
    framePort: frame.port2,
    watchdogPort: hostToWatchdog.port1,
    module: await assets.module,
    snapshot: own,
    apiBase: config.apiBase,
    origin: location.origin,
    chaos: config.chaos ?? "",
    spares: init.spares,
    first,
  };
  host.postMessage(boot, [pagePort, frame.port2, hostToWatchdog.port1, first.port, own]);
}

function startWorker(script: Blob): Worker {
  const worker = new Worker(URL.createObjectURL(script));
  worker.onerror = (event) => fail("HOST_CRASHED", event.message);
  return worker;
}

let page = "";
let over = false;

/** Ends everything and tells the page why there is no sandbox; it knows the frame by its window and exact origin. */
function fail(code: string, message: string): void {
  if (over) return;
  over = true;
  stop();
  parent.postMessage({ kind: "failed", v: PROTOCOL, code, message }, page);
}

addEventListener("message", function accept(event: MessageEvent<Init>) {
  if (event.source !== parent || event.data?.kind !== "init") return;
  removeEventListener("message", accept);
  page = event.origin;
  if (!config.allowedOrigins.includes(event.origin)) {
    fail("ORIGIN_NOT_ALLOWED", `${event.origin} is not among the deployment's allowed origins`);
  } else if (event.data.v !== PROTOCOL) {
    fail("PROTOCOL_VERSION", `the page speaks protocol version ${event.data.v}, host.html speaks ${PROTOCOL}`);
  } else {
    addEventListener("message", (late) => {
      if (late.source === parent) fail("PROTOCOL_VIOLATION", "a second init");
    });
    start(event.data, event.ports[0]).catch((error) => fail(error.code ?? "BOOT_FAILED", String(error.message ?? error)));
  }
});

addEventListener("pagehide", () => {
  if (token === "") return;
  // What needs no preflight: there is nobody left to wait for one. No beacon: under our policy its origin is `null`.
  const body = `{"token":${JSON.stringify(token)}${telemetry && `,"telemetry":${telemetry}`}}`;
  fetch(`${config.apiBase}/api/v2/sessions/leave`, { method: "POST", body, keepalive: true, credentials: "omit" })
    .catch(() => {}); // nobody is left to tell either; a session that is idle ends by itself
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) fail("HOST_CRASHED", "the page was put aside, and its session ended"); // the page starts another host
});

// Nothing in it is secret, and the page that embeds us is not known yet: frame-ancestors has already judged it.
parent.postMessage({ kind: "ready", v: PROTOCOL }, "*");

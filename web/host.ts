/**
 * The host frame: loads and checks the assets, starts the host worker and the watchdog, and is the cells' parent.
 *
 * Runs inline in host.html on the sandbox origin. It accepts one `init` from its own parent, and only where the
 * deployment allows that page's origin. Messages of the page and of plugins do not pass through here.
 */
import { Cells } from "./cells.ts";
import { loadAssets } from "./assets.ts";
import { PROTOCOL } from "./protocol.gen.ts";
import type { FrameOrder, HostBoot } from "./wire.ts";

interface Config {
  apiOrigin: string;
  allowedOrigins: string[];
  chaos?: string;
}

interface Init {
  kind: "init";
  v: number;
  spares: number;
}

const config: Config = JSON.parse(document.querySelector<HTMLMetaElement>("meta[name=pysandbox-config]")!.content);
const assets = loadAssets();

async function start(init: Init, pagePort: MessagePort): Promise<void> {
  const cells = new Cells(assets, (slot, code, message) => frame.port1.postMessage({ slot, code, message }));
  const frame = new MessageChannel();
  cells.warm(init.spares);
  const toWatchdog = new MessageChannel();
  const fromWatchdog = new MessageChannel();
  fromWatchdog.port1.onmessage = ({ data }) => cells.end(data.slot);
  frame.port1.onmessage = ({ data, ports }: MessageEvent<FrameOrder>) => {
    if (data.op === "open") cells.open(data.slot, data.memoryMB, data.binding, ports[0]);
    else if (data.op === "end") cells.end(data.slot);
    else fail("BOOT_FAILED", data.message);
  };
  const watchdog = assets.watchdog.then((script) => new Worker(blobUrl(script)));
  // The script is read and parsed while the interpreter is still on its way.
  const host = assets.hostWorker.then((script) => new Worker(blobUrl(script)));
  (await watchdog).postMessage(null, [toWatchdog.port2, fromWatchdog.port2]);
  const worker = await host;
  worker.onerror = (event) => fail("HOST_CRASHED", event.message);
  const boot: HostBoot = {
    pagePort,
    framePort: frame.port2,
    watchdogPort: toWatchdog.port1,
    module: await assets.module,
    snapshot: await assets.snapshot,
    apiOrigin: config.apiOrigin,
    origin: location.origin,
    chaos: config.chaos ?? "",
  };
  worker.postMessage(boot, [pagePort, frame.port2, toWatchdog.port1]);
}

function blobUrl(script: ArrayBuffer): string {
  return URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
}

let page = "";

/** Tells the page why there is no sandbox; it knows the frame by its window and exact origin. */
function fail(code: string, message: string): void {
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

// Nothing in it is secret, and the page that embeds us is not known yet: frame-ancestors has already judged it.
parent.postMessage({ kind: "ready", v: PROTOCOL }, "*");

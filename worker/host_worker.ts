/**
 * The trusted worker: joins pysandbox.host (Python) to the page's port, the host frame, the watchdog and the plugins'
 * ports. It moves and counts; every decision is Python's.
 */
import { bootPyodide } from "./pyodide_boot.ts";
import { Exchanges } from "./exchange.ts";
import { Gate } from "./gate.ts";
import { Spares } from "./spares.ts";
import { Watch } from "./watch.ts";
import { free } from "../web/free.ts";
import { PROTOCOL } from "../web/protocol.gen.ts";
import type { PluginMemory, SandboxMemory } from "../web/pysandbox.d.ts";
import type { Binding, CellFailed, CellMemory, HostBoot, PageMessage } from "../web/wire.ts";

const FETCH_DEADLINE_MS = 10_000;
const KEPT_SPANS = 500;

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

scope.onmessage = (event: MessageEvent) => {
  scope.onmessage = null;
  const boot = event.data as HostBoot;
  start(boot).catch((error) => died(boot, "BOOT_FAILED", error));
};

/** The host frame ends this worker for it, with all cells, and the page hears of it at once. */
function died({ framePort }: HostBoot, code: string, error: unknown): void {
  console.error("pysandbox: the host failed", error);
  const message = code === "HOST_CRASHED" ? "the host's interpreter has died" : String(error).slice(0, 500);
  framePort.postMessage({ op: "failed", code, message });
}

/** What a slot's plugin lives in: its cell, and our end of its port. */
interface Live {
  cell: number;
  gate: Gate;
}

async function start(boot: HostBoot): Promise<void> {
  const { pagePort, framePort, watchdogPort } = boot;
  const { pyodide, wasmBytes } = await bootPyodide(boot, () => {});
  const freshBytes = wasmBytes(); // a spare has restored the same snapshot, and grown no further
  const jsBytes = new Map<number, number>(); // by cell, where the browser measures it
  free(boot.snapshot);
  const live = new Map<number, Live>();
  const slots = new Map<number, number>(); // by cell
  const watch = new Watch((order) => watchdogPort.postMessage(order));
  const exchanges = new Exchanges(boot.apiBase);
  let pageSeq = 0;
  let spans = 0;
  let nextCell = boot.first.cell + 1;

  const spares = new Spares(boot.spares, (memoryMB) => {
    const { port1, port2 } = new MessageChannel();
    const cell = nextCell++;
    framePort.postMessage({ op: "make", cell, memoryMB }, [port2]);
    return { cell, memoryMB, port: port1 };
  }, endCell);
  spares.add(boot.first);

  /** The page's answer about memory: what Python knows of its plugins, and what only JavaScript sees. */
  function withOurs(told: ({ slot: number } & Omit<PluginMemory, "jsBytes">)[]): SandboxMemory {
    return {
      hostBytes: wasmBytes(),
      spares: spares.reserve.length,
      spareBytes: spares.reserve.length * freshBytes,
      plugins: told.map(({ slot, ...rest }) => ({ ...rest, jsBytes: jsBytes.get(live.get(slot)?.cell ?? -1) ?? null })),
    };
  }

  function endCell(cell: number): void {
    jsBytes.delete(cell);
    watch.forget(cell);
    framePort.postMessage({ op: "end", cell });
    spares.gone(cell);
  }

  const bridge = {
    toPage(kind: string, id: string, cid: string, payload: string, buffers: ArrayBuffer[] = []): void {
      if (kind === "memory") return bridge.toPage("result", id, cid, JSON.stringify(withOurs(JSON.parse(payload))));
      pagePort.postMessage({ v: PROTOCOL, seq: pageSeq++, kind, id, cid, payload, buffers }, buffers);
    },
    toPlugin(slot: number, text: string, buffers: (ArrayBuffer | Uint8Array)[] = []) {
      live.get(slot)?.gate.send(text, buffers);
    },
    grant(slot: number, messages: number) {
      live.get(slot)?.gate.grant(messages);
    },
    openCell(slot: number, memoryMB: number, bindingText: string, limits: string) {
      const binding: Binding = JSON.parse(bindingText);
      const { cell, port } = spares.take(memoryMB);
      const gate = new Gate(
        port,
        JSON.parse(limits),
        (text, buffers) => onPlugin(slot, text, buffers),
        (rule, fatal) => onGate(slot, rule, fatal),
      );
      live.set(slot, { cell, gate });
      slots.set(cell, slot);
      port.postMessage(binding);
      if (binding.needsLibrary) framePort.postMessage({ op: "library", cell });
    },
    endCell(slot: number) {
      const ended = live.get(slot);
      if (!ended) return;
      ended.gate.close();
      live.delete(slot);
      slots.delete(ended.cell);
      endCell(ended.cell);
    },
    arm(slot: number, invocation: string, afterMs: number) {
      const cell = live.get(slot)?.cell;
      if (cell !== undefined) watch.arm(cell, invocation, afterMs);
    },
    disarm(slot: number, invocation: string) {
      const cell = live.get(slot)?.cell;
      if (cell === undefined) return;
      watch.disarm(cell, invocation);
      if (invocation === "load") spares.loaded(cell);
    },
    span(name: string, lastedMs: number, correlationId: string) {
      if (++spans > KEPT_SPANS) {
        performance.clearMeasures(); // the browser itself never forgets one
        spans = 1;
      }
      const end = performance.now();
      performance.measure(name, { start: Math.max(0, end - lastedMs), end, detail: { correlationId } });
    },
    exchange: exchanges.send,
    hangUp: exchanges.hangUp,
    leaveBehind: (token: string) => framePort.postMessage({ op: "leave", token }),
    hold: (telemetry: string) => framePort.postMessage({ op: "hold", telemetry }),
    fetch: (method: string, path: string, token: string, body?: string) =>
      request(boot.apiBase, method, path, token, body),
  };

  // An exception that leaves Python here, or anywhere in this worker, is the end of its interpreter.
  const guarded = <A extends unknown[]>(call: (...args: A) => unknown) => (...args: A) => {
    try {
      call(...args);
    } catch (error) {
      died(boot, "HOST_CRASHED", error);
    }
  };
  scope.onunhandledrejection = (event: PromiseRejectionEvent) => died(boot, "HOST_CRASHED", event.reason);

  const session = pyodide.pyimport("pysandbox.host.boot").start(bridge, boot.origin, boot.chaos);
  const onPage = guarded(session.on_page);
  const onPluginText = guarded(session.on_plugin);
  const onGate = guarded(session.on_gate);
  const onExpired = guarded(session.on_expired);
  const onCellFailed = guarded(session.on_cell_failed);
  const onCellMeasured = guarded(session.on_cell_measured);
  const onPageBytes = guarded(session.on_page_bytes);
  const onPluginBytes = guarded(session.on_plugin_bytes);
  const onPlugin = (slot: number, text: string, buffers: ArrayBuffer[]) =>
    buffers.length === 0 ? onPluginText(slot, text) : onPluginBytes(slot, text, buffers);

  let expected = 0;
  pagePort.onmessage = ({ data }: MessageEvent<PageMessage>) => {
    if (data.v !== PROTOCOL || data.seq !== expected++) {
      bridge.toPage("fatal", "", "", JSON.stringify({ code: "PROTOCOL_VERSION", message: "a message out of order" }));
      return;
    }
    spares.busy();
    const { kind, id, cid, payload, to = "", method = "", deadlineMs = 0, buffers = [] } = data;
    if (buffers.length === 0) onPage(kind, id, cid, payload, to, method, deadlineMs);
    else onPageBytes(kind, id, cid, payload, to, method, deadlineMs, buffers);
  };
  watchdogPort.onmessage = ({ data }) => {
    if (data === "beat") return watchdogPort.postMessage("beat");
    const slot = slots.get(data.cell);
    if (slot === undefined) return;
    live.get(slot)?.gate.close();
    onExpired(slot, data.invocation);
  };
  framePort.onmessage = ({ data }: MessageEvent<CellFailed | CellMemory>) => {
    const slot = slots.get(data.cell);
    if ("bytes" in data) {
      jsBytes.set(data.cell, data.bytes);
      if (slot !== undefined) onCellMeasured(slot, data.bytes);
      return;
    }
    if (slot === undefined) spares.gone(data.cell);
    else onCellFailed(slot, data.code, data.message);
  };
  watchdogPort.postMessage("beat");
}

/** One bounded request to the gateway. Never throws: Python gets `{status, body, error}`. */
async function request(base: string, method: string, path: string, token: string, body?: string) {
  try {
    const answer = await fetch(base + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { "Content-Type": "application/json" }) },
      body,
      credentials: "omit",
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(FETCH_DEADLINE_MS),
    });
    return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()), error: "" };
  } catch (error) {
    return { status: 0, body: new Uint8Array(0), error: String(error).slice(0, 300) };
  }
}

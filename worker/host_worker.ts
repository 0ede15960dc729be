/**
 * The trusted worker: joins pysandbox.host (Python) to the page's port, the host frame, the watchdog and the plugins'
 * ports. It moves and counts; every decision is Python's.
 */
import { bootPyodide } from "./pyodide_boot.ts";
import { Gate } from "./gate.ts";
import { Watch } from "./watch.ts";
import { free } from "../web/free.ts";
import { HOST_GATE, PROTOCOL } from "../web/protocol.gen.ts";
import type { HostBoot, PageMessage } from "../web/wire.ts";

const FETCH_DEADLINE_MS = 10_000;

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

scope.onmessage = (event: MessageEvent) => {
  scope.onmessage = null;
  const boot = event.data as HostBoot;
  start(boot, event.ports).catch((error) =>
    boot.framePort.postMessage({ op: "failed", message: String(error).slice(0, 500) })
  );
};

async function start(boot: HostBoot, _ports: readonly MessagePort[]): Promise<void> {
  const { pagePort, framePort, watchdogPort } = boot;
  const { pyodide } = await bootPyodide(boot, () => {});
  free(boot.snapshot);
  const gates = new Map<number, Gate>();
  const watch = new Watch((order) => watchdogPort.postMessage(order));
  let pageSeq = 0;

  const bridge = {
    toPage(kind: string, id: string, cid: string, payload: string) {
      pagePort.postMessage({ v: PROTOCOL, seq: pageSeq++, kind, id, cid, payload });
    },
    toPlugin(slot: number, text: string, buffers?: Uint8Array[]) {
      gates.get(slot)?.send(text, buffers ? buffers.map((bytes) => bytes.slice().buffer) : []);
    },
    grant(slot: number, messages: number) {
      gates.get(slot)?.grant(messages);
    },
    openCell(
      slot: number,
      memoryMB: number,
      needsLibrary: boolean,
      plugin: string,
      sid: string,
      gen: number,
      key: string,
      origin: string,
    ) {
      const channel = new MessageChannel();
      gates.set(
        slot,
        new Gate(
          channel.port1,
          HOST_GATE,
          (text, buffers) => onPlugin(slot, text, buffers.map((buffer) => buffer.byteLength)),
          (rule, fatal) => onGate(slot, rule, fatal),
        ),
      );
      const binding = { op: "bind", plugin, sid, gen, key, origin, needsLibrary };
      framePort.postMessage({ op: "open", slot, memoryMB, binding }, [channel.port2]);
    },
    endCell(slot: number) {
      gates.get(slot)?.close();
      gates.delete(slot);
      watch.forget(slot);
      framePort.postMessage({ op: "end", slot });
    },
    arm: (slot: number, invocation: string, afterMs: number) => watch.arm(slot, invocation, afterMs),
    disarm: (slot: number, invocation: string) => watch.disarm(slot, invocation),
    fetch: (method: string, path: string, token: string) => request(boot.apiOrigin, method, path, token),
  };

  const session = pyodide.pyimport("pysandbox.host.boot").start(bridge, boot.origin, boot.chaos);
  const onPage = session.on_page;
  const onPluginText = session.on_plugin;
  const onGate = session.on_gate;
  const onPlugin = (slot: number, text: string, sizes: number[]) =>
    sizes.length === 0 ? onPluginText(slot, text) : onPluginText(slot, text, sizes);

  let expected = 0;
  pagePort.onmessage = ({ data }: MessageEvent<PageMessage>) => {
    if (data.v !== PROTOCOL || data.seq !== expected++) {
      bridge.toPage("fatal", "", "", JSON.stringify({ code: "PROTOCOL_VERSION", message: "a message out of order" }));
      return;
    }
    onPage(data.kind, data.id, data.cid, data.payload, data.to ?? "", data.method ?? "", data.deadlineMs ?? 0);
  };
  watchdogPort.onmessage = ({ data }) => {
    gates.get(data.slot)?.close();
    session.on_expired(data.slot, data.invocation);
  };
  framePort.onmessage = ({ data }) => session.on_cell_failed(data.slot, data.code, data.message);
}

/** One bounded request to the gateway. Never throws: Python gets `{status, body, error}`. */
async function request(origin: string, method: string, path: string, token: string) {
  try {
    const answer = await fetch(origin + path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
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

/**
 * Owns every hard deadline. A worker of its own without Pyodide: not throttled in a hidden tab, not starved by Python.
 * When a time is up it tells the host frame and the host worker, which end the cell; it waits for neither.
 */
import type { WatchdogOrder } from "./wire.ts";

const timers = new Map<string, number>();

function key(slot: number, invocation: string): string {
  return `${slot}/${invocation}`;
}

function forget(name: string): void {
  clearTimeout(timers.get(name));
  timers.delete(name);
}

onmessage = (event: MessageEvent) => {
  onmessage = null;
  const [hostWorker, hostFrame] = event.ports;
  hostWorker.onmessage = ({ data }: MessageEvent<WatchdogOrder>) => {
    if (data.op === "forget") {
      for (const name of timers.keys()) if (name.startsWith(`${data.slot}/`)) forget(name);
      return;
    }
    const name = key(data.slot, data.invocation);
    forget(name);
    if (data.op === "arm") {
      const expire = () => {
        timers.delete(name);
        hostWorker.postMessage({ slot: data.slot, invocation: data.invocation });
        if (data.invocation) hostFrame.postMessage({ op: "end", slot: data.slot });
      };
      timers.set(name, setTimeout(expire, data.afterMs));
    }
  };
};

/**
 * Owns every hard deadline. A worker of its own without Pyodide: not throttled in a hidden tab, not starved by Python.
 * When a time is up it tells the host frame and the host worker, which end the cell; it waits for neither.
 */
import type { WatchdogOrder } from "./wire.ts";

const timers = new Map<string, number>();

function forget(key: string): void {
  clearTimeout(timers.get(key));
  timers.delete(key);
}

onmessage = (event: MessageEvent) => {
  onmessage = null;
  const [hostWorker, hostFrame] = event.ports;
  hostWorker.onmessage = ({ data }: MessageEvent<WatchdogOrder>) => {
    data.done.forEach(forget);
    for (const { key, slot, invocation, afterMs } of data.armed) {
      forget(key);
      const expire = () => {
        timers.delete(key);
        hostWorker.postMessage({ slot, invocation });
        hostFrame.postMessage({ op: "end", slot });
      };
      timers.set(key, setTimeout(expire, afterMs));
    }
  };
};

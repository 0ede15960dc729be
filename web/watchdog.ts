/**
 * Owns every hard deadline. A worker of its own without Pyodide: not throttled in a hidden tab, not starved by Python.
 * When a time is up it tells the cell, the host frame and the host worker, and waits for none of them.
 *
 * It also listens for the host worker's life, and passes a beat on to every cell for as long as there is one: a cell
 * that hears none ends its worker by itself. And since it has time, it holds what every cell starts from, so that
 * copies of twenty megabytes are made here and not on the thread that the page may share with the host frame.
 */
import { HOST_SILENCE_MS } from "./protocol.gen.ts";
import { BEAT_MS, Pulse } from "./pulse.ts";
import type { FromWatchdog, Interpreter, ToWatchdog, WatchdogOrder } from "./wire.ts";

const LATE_MS = 20;

const timers = new Map<string, number>();
const cells = new Map<number, MessagePort>();
const silence = new Pulse(HOST_SILENCE_MS);
const turn = new MessageChannel();
const due: (() => void)[] = [];
turn.port2.onmessage = () => due.shift()?.();
let hungry: number[] = [];
let interpreter: Interpreter | undefined;
let hostIsUp = false; // until its first word it is starting, which the page's own deadline bounds
let hostIsDead = false;

function forget(key: string): void {
  clearTimeout(timers.get(key));
  timers.delete(key);
}

/** Once what was said before now is read: where this thread got no turn in time, a call's end may still wait there. */
function afterThisTurn(task: () => void): void {
  due.push(task);
  turn.port1.postMessage(null);
}

/** The same; who comes late, and so knows that the machine is busy, gives what is on its way a moment to arrive. */
function inTurn(dueAt: number, task: () => void): void {
  if (performance.now() > dueAt + LATE_MS) setTimeout(() => afterThisTurn(task), LATE_MS);
  else afterThisTurn(task);
}

/** Copies that are moved: cloned ones would stay as part of the message until a collector comes round. */
function feed(cell: number): void {
  const port = cells.get(cell);
  if (!interpreter) hungry.push(cell);
  if (!interpreter || !port) return;
  const wasm = interpreter.wasm.slice(0);
  const snapshot = interpreter.snapshot.slice(0);
  port.postMessage({ wasm, snapshot }, [wasm, snapshot]);
}

function drop(cell: number): void {
  cells.get(cell)?.close();
  cells.delete(cell);
}

onmessage = (event: MessageEvent) => {
  onmessage = null;
  const [hostWorker, hostFrame] = event.ports;
  const tellFrame = (word: FromWatchdog) => hostFrame.postMessage(word);

  hostWorker.onmessage = ({ data }: MessageEvent<WatchdogOrder | "beat">) => {
    hostIsUp = true;
    silence.heard();
    if (data === "beat") return;
    data.done.forEach(forget);
    for (const { key, cell, invocation, afterMs } of data.armed) {
      forget(key);
      const expire = () => {
        if (timers.get(key) !== timer) return;
        timers.delete(key);
        cells.get(cell)?.postMessage("end");
        hostWorker.postMessage({ cell, invocation });
        tellFrame({ op: "end", cell });
      };
      const dueAt = performance.now() + afterMs;
      const timer = setTimeout(() => inTurn(dueAt, expire), afterMs);
      timers.set(key, timer);
    }
  };

  hostFrame.onmessage = ({ data, ports }: MessageEvent<ToWatchdog>) => {
    if (data.op === "cell") {
      cells.set(data.cell, ports[0]);
      feed(data.cell);
    } else if (data.op === "gone") drop(data.cell);
    else {
      interpreter = data;
      hungry.forEach(feed);
      hungry = [];
    }
  };

  setInterval(() => {
    if (hostIsUp && !hostIsDead) {
      hostIsDead = silence.turn();
      if (hostIsDead) tellFrame({ op: "silent" });
      else hostWorker.postMessage("beat");
    }
    if (!hostIsDead) { for (const cell of cells.values()) cell.postMessage("beat"); }
  }, BEAT_MS);
};

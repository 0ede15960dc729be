/**
 * The host worker's side of the watchdog. Arming is told at once, before anything is dispatched; disarming may wait for
 * the next word or a few milliseconds, because each word wakes another thread. A disarm that could come too late does not
 * wait.
 */
import type { WatchdogOrder } from "../web/wire.ts";

const TELL_AFTER_MS = 20;
const HURRY_MS = 200; // less time than this until the deadline: disarm at once

export class Watch {
  readonly #dueAt = new Map<string, number>();
  #done: string[] = [];
  #timer: number | undefined;

  constructor(private readonly watchdog: MessagePort) {}

  arm(slot: number, invocation: string, afterMs: number): void {
    const key = `${slot}/${invocation}`;
    this.#dueAt.set(key, performance.now() + afterMs);
    this.#tell({ op: "arm", key, slot, invocation, afterMs, done: this.#done });
  }

  disarm(slot: number, invocation: string): void {
    this.#finish(`${slot}/${invocation}`);
  }

  /** The slot is gone: nothing of it is watched any more. */
  forget(slot: number): void {
    for (const key of [...this.#dueAt.keys()]) if (key.startsWith(`${slot}/`)) this.#finish(key);
  }

  #finish(key: string): void {
    const dueAt = this.#dueAt.get(key);
    if (dueAt === undefined) return;
    this.#dueAt.delete(key);
    this.#done.push(key);
    if (dueAt - performance.now() < HURRY_MS) this.#tell({ op: "disarm", done: this.#done });
    else this.#timer ??= setTimeout(() => this.#tell({ op: "disarm", done: this.#done }), TELL_AFTER_MS);
  }

  #tell(order: WatchdogOrder): void {
    this.#done = [];
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.watchdog.postMessage(order);
  }
}

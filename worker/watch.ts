/**
 * The host worker's side of the watchdog. Before anything is dispatched to a cell, the watchdog holds a timer for that
 * cell that ends no later than what is dispatched. Each word to it wakes another thread, so what can wait a few
 * milliseconds waits: a disarm, and an arming that a timer already told covers until then. Should this worker stop
 * before the word is out, the cell ends early, never late.
 */
import type { WatchdogOrder } from "../web/wire.ts";

const TELL_AFTER_MS = 20;
const HURRY_MS = 200; // the disarm of a timer that ends sooner than this does not wait
const COVERS_MS = 1000; // a timer that ends sooner covers nothing new: this worker could be held up until then

export type Armed = WatchdogOrder["armed"][number];

export class Watch {
  /** What the watchdog has been told and not been told the end of: when each ends, by cell. */
  readonly #told = new Map<number, Map<string, number>>();
  #armed = new Map<string, Armed & { dueAt: number }>();
  #done = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tell: (order: WatchdogOrder) => void, private readonly now = () => performance.now()) {}

  arm(cell: number, invocation: string, afterMs: number): void {
    const key = `${cell}/${invocation}`;
    const dueAt = this.now() + afterMs;
    this.#done.delete(key);
    this.#armed.set(key, { key, cell, invocation, afterMs, dueAt });
    if (this.#isCovered(cell, dueAt)) this.#tellSoon();
    else this.#flush();
  }

  disarm(cell: number, invocation: string): void {
    this.#finish(cell, `${cell}/${invocation}`);
  }

  /** The cell is gone: nothing of it is watched any more. */
  forget(cell: number): void {
    for (const [key, armed] of this.#armed) if (armed.cell === cell) this.#armed.delete(key);
    for (const key of this.#told.get(cell)?.keys() ?? []) this.#finish(cell, key);
  }

  #isCovered(cell: number, dueAt: number): boolean {
    const soon = this.now() + COVERS_MS;
    for (const end of this.#told.get(cell)?.values() ?? []) if (end > soon && end <= dueAt) return true;
    return false;
  }

  #finish(cell: number, key: string): void {
    this.#armed.delete(key);
    const end = this.#told.get(cell)?.get(key);
    if (end === undefined) return;
    this.#done.add(key);
    if (end - this.now() < HURRY_MS) this.#flush();
    else this.#tellSoon();
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), TELL_AFTER_MS);
  }

  #flush(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = this.now();
    const done = [...this.#done];
    const armed = [...this.#armed.values()];
    for (const key of done) {
      const cell = Number(key.slice(0, key.indexOf("/")));
      const told = this.#told.get(cell);
      told?.delete(key);
      if (told?.size === 0) this.#told.delete(cell);
    }
    for (const { cell, key, dueAt } of armed) {
      const told = this.#told.get(cell) ?? new Map<string, number>();
      this.#told.set(cell, told.set(key, dueAt));
    }
    this.#done.clear();
    this.#armed.clear();
    if (done.length === 0 && armed.length === 0) return;
    this.tell({
      armed: armed.map(({ key, cell, invocation, dueAt }) => ({ key, cell, invocation, afterMs: dueAt - now })),
      done,
    });
  }
}

/**
 * The cells kept in reserve: a runtime that has started and run nobody's code.
 *
 * Which memory classes: the one that was asked for, or those of the plugins that hold a cell, the more plugins the more
 * spares. When: not beside a load, and not while calls come in, so that no spare delays what somebody waits for.
 */
import type { Spare, SpareWish } from "../web/wire.ts";

const QUIET_MS = 250; // without a load or a message of the page
const AT_MOST_MS = 3000; // a page that is never quiet gets its spares all the same

export class Spares {
  readonly #reserve: Spare[] = [];
  readonly #taken = new Map<number, number>(); // cell → memory class
  readonly #loading = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busyAt = 0;
  #wantedAt = 0;

  constructor(
    private readonly wish: SpareWish,
    private readonly make: (memoryMB: number) => Spare,
    private readonly end: (cell: number) => void,
    private readonly now = () => performance.now(),
  ) {}

  /** What is in reserve now. */
  get reserve(): readonly Spare[] {
    return this.#reserve;
  }

  add(spare: Spare): void {
    this.#reserve.push(spare);
  }

  /** A cell of this class for a plugin that is about to load; a fresh one if none is in reserve. */
  take(memoryMB: number): Spare {
    const at = this.#reserve.findIndex((spare) => spare.memoryMB === memoryMB);
    const spare = at < 0 ? this.make(memoryMB) : this.#reserve.splice(at, 1)[0];
    this.#taken.set(spare.cell, memoryMB);
    this.#loading.add(spare.cell);
    return spare;
  }

  /** The plugin in it is loaded: what it needed at once is done. */
  loaded(cell: number): void {
    if (this.#loading.delete(cell)) this.#refillSoon();
  }

  /** The cell is over; or it failed before anybody took it. */
  gone(cell: number): void {
    this.#taken.delete(cell);
    this.#loading.delete(cell);
    const at = this.#reserve.findIndex((spare) => spare.cell === cell);
    if (at >= 0) this.#reserve.splice(at, 1);
    this.#refillSoon();
  }

  /** The page said something: what it waits for comes first. */
  busy(): void {
    this.#busyAt = this.now();
  }

  #refillSoon(): void {
    if (this.#timer !== undefined) return;
    this.#wantedAt = this.now();
    this.#timer = setTimeout(() => this.#look(), QUIET_MS);
  }

  #look(): void {
    const now = this.now();
    const quiet = now - this.#busyAt >= QUIET_MS || now - this.#wantedAt >= AT_MOST_MS;
    if (this.#loading.size === 0 && quiet) {
      this.#timer = undefined;
      this.#refill();
    } else this.#timer = setTimeout(() => this.#look(), QUIET_MS);
  }

  #refill(): void {
    const wanted = this.wanted();
    for (const spare of [...this.#reserve]) {
      const at = wanted.indexOf(spare.memoryMB);
      if (at >= 0) wanted.splice(at, 1);
      else {
        this.#reserve.splice(this.#reserve.indexOf(spare), 1);
        this.end(spare.cell);
      }
    }
    for (const memoryMB of wanted) this.#reserve.push(this.make(memoryMB));
  }

  /** The classes that should be in reserve, as highest averages share them out among those of the plugins. */
  wanted(): number[] {
    const live = new Map<number, number>();
    for (const memoryMB of this.#taken.values()) live.set(memoryMB, (live.get(memoryMB) ?? 0) + 1);
    const wanted: number[] = [];
    while (wanted.length < this.wish.count) {
      let best = this.wish.memoryMB ?? 0;
      let most = 0;
      for (const [memoryMB, plugins] of this.wish.memoryMB ? [] : live) {
        const average = plugins / (wanted.filter((other) => other === memoryMB).length + 1);
        if (average > most) [best, most] = [memoryMB, average];
      }
      if (best === 0) return this.#reserve.slice(0, this.wish.count).map((spare) => spare.memoryMB);
      wanted.push(best);
    }
    return wanted;
  }
}

/**
 * Counts turns that passed in silence. Turns, not time: a machine that slept, or a hidden tab whose timers are held
 * back, has missed one turn and not a minute's worth of them.
 */
export const BEAT_MS = 1000;

export class Pulse {
  #missed = 0;
  readonly #allowed: number;

  constructor(silenceMs: number) {
    this.#allowed = Math.ceil(silenceMs / BEAT_MS);
  }

  heard(): void {
    this.#missed = 0;
  }

  /** One more turn: whether it has been silent for too many of them. */
  turn(): boolean {
    return ++this.#missed > this.#allowed;
  }
}

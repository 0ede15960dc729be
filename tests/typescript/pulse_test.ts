import { deepStrictEqual } from "node:assert";
import { Pulse } from "../../web/pulse.ts";

/** At which of the next `count` turns it first was silent for too long; 0 for none. */
function firstSilence(pulse: Pulse, count: number): number {
  for (let turn = 1; turn <= count; turn++) if (pulse.turn()) return turn;
  return 0;
}

Deno.test("five seconds of silence are five whole turns, told at the sixth", () => {
  deepStrictEqual(firstSilence(new Pulse(5000), 10), 6);
});

Deno.test("a word starts the count again", () => {
  const pulse = new Pulse(3000);
  deepStrictEqual(firstSilence(pulse, 3), 0);
  pulse.heard();
  deepStrictEqual(firstSilence(pulse, 10), 4);
});

import { deepStrictEqual } from "node:assert";
import { Watch } from "../../worker/watch.ts";
import type { WatchdogOrder } from "../../web/wire.ts";

/** A watch with a clock of the test's own; `said` lists what the watchdog was told, as short text. */
function watched(): { watch: Watch; said: string[]; at(ms: number): void; quiet(): Promise<void> } {
  let now = 0;
  const said: string[] = [];
  const tell = ({ armed, done }: WatchdogOrder) => {
    const parts = [...armed.map(({ key, afterMs }) => `${key}+${afterMs}`), ...done.map((key) => `-${key}`)];
    said.push(parts.join(" "));
  };
  return {
    watch: new Watch(tell, () => now),
    said,
    at: (ms) => void (now = ms),
    quiet: () => new Promise((resolve) => setTimeout(resolve, 60)),
  };
}

Deno.test("the first arming of a cell is told at once", async () => {
  const { watch, said, quiet } = watched();
  watch.arm(1, "a", 3100);
  deepStrictEqual(said, ["1/a+3100"]);
  await quiet();
  deepStrictEqual(said.length, 1);
});

Deno.test("an arming that a told timer of the cell covers is told a little later, with what is over", async () => {
  const { watch, said, at, quiet } = watched();
  watch.arm(1, "a", 3100);
  at(2);
  watch.disarm(1, "a");
  watch.arm(1, "b", 3100);
  deepStrictEqual(said, ["1/a+3100"]);
  at(12);
  await quiet();
  deepStrictEqual(said, ["1/a+3100", "1/b+3090 -1/a"]);
});

Deno.test("what ends before every told timer is told at once", () => {
  const { watch, said } = watched();
  watch.arm(1, "a", 3100);
  watch.arm(1, "b", 3000);
  deepStrictEqual(said, ["1/a+3100", "1/b+3000"]);
  watch.disarm(1, "b");
  watch.disarm(1, "a");
});

Deno.test("a timer of another cell, or one that ends soon, covers nothing", () => {
  const { watch, said, at } = watched();
  watch.arm(1, "a", 3100);
  watch.arm(2, "b", 3200);
  at(2500);
  watch.disarm(1, "a");
  watch.arm(1, "c", 3100);
  deepStrictEqual(said, ["1/a+3100", "2/b+3200", "1/c+3100 -1/a"]);
  watch.forget(1);
  watch.forget(2);
});

Deno.test("the disarm of a timer that is nearly due is told at once", () => {
  const { watch, said, at } = watched();
  watch.arm(1, "a", 3100);
  at(2950);
  watch.disarm(1, "a");
  deepStrictEqual(said, ["1/a+3100", "-1/a"]);
});

Deno.test("what was over before it was told is never told, and a cell that is gone is forgotten", async () => {
  const { watch, said, quiet } = watched();
  watch.arm(1, "a", 3100);
  watch.arm(1, "b", 3100);
  watch.disarm(1, "b");
  watch.forget(1);
  await quiet();
  deepStrictEqual(said, ["1/a+3100", "-1/a"]);
});

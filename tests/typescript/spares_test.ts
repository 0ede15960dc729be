import { deepStrictEqual } from "node:assert";
import type { SpareWish } from "../../web/wire.ts";
import { Spares } from "../../worker/spares.ts";

const PORT = undefined as unknown as MessagePort; // none is spoken on here

function reserve(wish: SpareWish): { spares: Spares; made: number[]; ended: number[]; at(ms: number): void } {
  let now = 0;
  const made: number[] = [];
  const ended: number[] = [];
  const make = (memoryMB: number) => ({ cell: made.push(memoryMB), memoryMB, port: PORT });
  return { spares: new Spares(wish, make, (cell) => ended.push(cell), () => now), made, ended, at: (ms) => void (now = ms) };
}

const passing = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("a spare of the class is taken, and one of another class is left alone", () => {
  const { spares, made } = reserve({ count: 1 });
  spares.add({ cell: 0, memoryMB: 64, port: PORT });
  deepStrictEqual(spares.take(128).cell, 1);
  deepStrictEqual(spares.take(64).cell, 0);
  deepStrictEqual(made, [128]);
});

Deno.test("without a class the spares are shared out among the classes of the plugins", () => {
  const { spares } = reserve({ count: 3 });
  for (const memoryMB of [64, 64, 64, 128]) spares.take(memoryMB);
  deepStrictEqual(spares.wanted(), [64, 64, 64]);
  spares.take(128);
  deepStrictEqual(spares.wanted().toSorted((a, b) => a - b), [64, 64, 128]);
});

Deno.test("with a class all of them are of it, and with none wanted there is none", () => {
  const { spares } = reserve({ count: 2, memoryMB: 256 });
  spares.take(64);
  deepStrictEqual(spares.wanted(), [256, 256]);
  deepStrictEqual(reserve({ count: 0 }).spares.wanted(), []);
});

Deno.test("none is made beside a load, nor while the page speaks; then one is, and one of a wrong class goes", async () => {
  const { spares, made, ended, at } = reserve({ count: 1 });
  spares.add({ cell: 0, memoryMB: 64, port: PORT });
  const first = spares.take(128);
  const second = spares.take(128);
  spares.loaded(first.cell);
  at(1000);
  await passing(300);
  deepStrictEqual(made, [128, 128], "the second plugin is still loading");
  at(2000);
  spares.busy();
  spares.loaded(second.cell);
  at(2100);
  await passing(300);
  deepStrictEqual(made, [128, 128], "the page has just spoken");
  at(3000);
  await passing(300);
  deepStrictEqual(made, [128, 128, 128]);
  deepStrictEqual(ended, [0]);
  deepStrictEqual(spares.reserve.map((spare) => spare.memoryMB), [128]);
});

Deno.test("a page that is never quiet gets its spare all the same", async () => {
  const { spares, made, at } = reserve({ count: 1 });
  spares.loaded(spares.take(64).cell);
  at(3001);
  spares.busy();
  await passing(300);
  deepStrictEqual(made, [64, 64]);
});

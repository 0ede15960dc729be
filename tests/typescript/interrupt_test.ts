import { makeInterrupt } from "../../worker/interrupt.ts";

function equal(left: unknown, right: unknown): void {
  if (left !== right) throw new Error(`${left} is not ${right}`);
}

Deno.test("it gives SIGINT once, when its time has come, and nothing before it was asked", () => {
  let now = 0;
  const interrupt = makeInterrupt(() => now);
  equal(interrupt.buffer[0], 0);
  interrupt.in(100);
  now = 99;
  equal(interrupt.buffer[0], 0);
  now = 100;
  equal(interrupt.buffer[0], 2);
  equal(interrupt.buffer[0], 0);
});

Deno.test("the last time that was asked counts, and what the interpreter writes back changes nothing", () => {
  let now = 0;
  const interrupt = makeInterrupt(() => now);
  interrupt.in(10);
  interrupt.in(50);
  interrupt.buffer[0] = 0;
  now = 20;
  equal(interrupt.buffer[0], 0);
  now = 50;
  equal(interrupt.buffer[0], 2);
});

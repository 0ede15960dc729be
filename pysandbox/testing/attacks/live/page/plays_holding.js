// Time, memory and the port: whether whoever takes them can keep them, and whether anybody else notices.
import { heardFrom, inWorker, isDeaf } from "./outside.js";
import { sleep } from "./stage.js";

/** What the caller asked for, and by when it has an answer whatever happens, on a machine that is very busy. */
const DEADLINE_MS = 800;
const WINDOW_MS = 8000;

/** The longest time that the page's own thread did not come round. */
function watchPage() {
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  let longest = 0;
  let running = true;
  port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setTimeout(() => port2.postMessage(0), 5);
  };
  port2.postMessage(0);
  return () => {
    running = false;
    return Math.round(Math.max(longest, performance.now() - last));
  };
}

async function held(stage, attack) {
  const attacker = await stage.attacker({ fresh: true });
  await stage.witness();
  const stop = watchPage();
  const startedAt = performance.now();
  const pending = attacker.plugin.invoke("hold", { how: attack.how }, attack.slow ? {} : { timeoutMs: DEADLINE_MS });
  await sleep(100);
  const well = await stage.neighbourIsWell();
  const outcome = await pending;
  const tookMs = Math.round(performance.now() - startedAt);
  const gapMs = stop();
  return { attacker, outcome, well, tookMs, gapMs };
}

const summary = ({ outcome, well, tookMs, gapMs }, next) =>
  `${outcome.status} ${outcome.error?.code ?? ""} ${outcome.layer ? `by ${outcome.layer}` : ""} after ${tookMs} ms; ` +
  `page stood still for ${gapMs} ms; the other plugin ${well ? "answered" : "did not answer"}; its next call: ${next.status}`;

/** The next call after it, once more if the worker only died under it. */
async function afterwards(attacker) {
  let next;
  for (let n = 0; n < 4; n++) {
    next = await attacker.plugin.invoke("echo", "next");
    if (next.status === "ok" || !next.error?.retryable) break;
    await sleep(500);
  }
  attacker.hurt = true; // whatever it left is not for the next attack
  return next;
}

/** Takes the processor and does not give it back. */
const hold = {
  async control() {
    const deaf = await isDeaf("for (;;);", DEADLINE_MS);
    return { worked: deaf, said: deaf ? "an ordinary worker is deaf to everything" : "an ordinary worker still answers" };
  },
  async attack(stage, attack) {
    const seen = await held(stage, attack);
    const next = await afterwards(seen.attacker);
    const worked = seen.outcome.status === "ok" || seen.tookMs > WINDOW_MS || !seen.well || seen.gapMs > WINDOW_MS / 2 ||
      next.status !== "ok";
    return { worked, said: summary(seen, next) };
  },
};

/** Takes more than there should be. The code takes it too, and says so by `proof`. `mayEnd`: asking for it is allowed. */
const take = {
  async control(stage, attack) {
    const answer = await inWorker(stage.code(attack, "control"), 15_000);
    const said = answer.open ?? answer.refused;
    return { worked: said.startsWith(attack.proof), said: `an ordinary worker: ${said.slice(0, 120)}` };
  },
  async attack(stage, attack) {
    const seen = await held(stage, { ...attack, slow: true });
    const next = await afterwards(seen.attacker);
    const had = seen.outcome.status === "ok" && !attack.mayEnd;
    const worked = had || !seen.well || next.status !== "ok";
    return { worked, said: summary(seen, next) };
  },
};

/** Sends more than anybody listens to. What is heard of it counts. */
const flood = {
  async control(_stage, attack) {
    const count = await heardFrom(`for (let n = 0; n < ${attack.count}; n++) postMessage("x".repeat(${attack.chars}));`, 15_000, attack.count);
    return { worked: count === attack.count, said: `of an ordinary worker ${count} of ${attack.count} are heard` };
  },
  async attack(stage, attack) {
    const seen = await held(stage, { ...attack, slow: true });
    await sleep(300);
    const count = seen.attacker.heard.length;
    const next = await afterwards(seen.attacker);
    return {
      worked: count >= attack.count || !seen.well || next.status !== "ok",
      said: `${count} of ${attack.count} were heard; ${summary(seen, next)}`,
    };
  },
};

/** Goes on sending when its time is over. */
const late = {
  async control() {
    const count = await heardFrom(`setInterval(() => postMessage(0), 10);`, 10_000, 20);
    return { worked: count === 20, said: `an ordinary worker that nobody ends is heard ${count} times` };
  },
  async attack(stage) {
    const attacker = await stage.attacker({ fresh: true });
    const outcome = await attacker.plugin.invoke("hold", { how: "never_stop_sending" }, { timeoutMs: DEADLINE_MS });
    const endedAt = performance.now();
    await sleep(1000);
    const after = attacker.heard.filter(({ at }) => at > endedAt + 1).length;
    const next = await afterwards(attacker);
    const ended = outcome.layer === "hard" || outcome.layer === "page"; // before that its worker lives, and may speak
    return {
      worked: (ended && after > 0) || next.status !== "ok",
      said: `${outcome.status} by ${outcome.layer}; heard ${after} more after its end; the next call: ${next.status}`,
    };
  },
};

export const plays = { hold, take, flood, late };

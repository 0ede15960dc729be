// The part of every subject's page that is the same: the clock, the payloads, the loop that takes commands.
// A subject gives one function, `start(number)`, which answers a plugin that has given no result yet:
//   { invoke(name, payload) -> value, spinAndKill(deadlineMs) -> {deadlineAt, killedAt, next} }
// and, where it has them, spareReady(count) and overrun(metric, deadlineMs) -> ms.
// Answers are checked: a wrong one ends the run, it never counts as a fast one.

const batchSize = 10; // the page's clock may tick in steps of 0.1 ms, so short calls are timed in batches

export const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));

function insist(condition, what) {
  if (!condition) throw new Error(`wrong answer: ${what}`);
}

async function firstResult(plugin) {
  const answer = await plugin.invoke("add", { a: 20, b: 22 });
  insist(answer.sum === 42, JSON.stringify(answer));
}

// A conversation as a plugin would get it, whose JSON has `bytes` characters, all ASCII.
export function conversation(bytes) {
  const payload = { conversation: "c-1", messages: [], rest: "" };
  for (let n = 0;; n++) {
    const message = { id: n, from: n % 2 ? "agent" : "customer", text: `message ${n}: ${"lorem ipsum dolor ".repeat(4)}`, at: 1e9 + n };
    payload.messages.push(message);
    if (JSON.stringify(payload).length > bytes) break;
  }
  payload.messages.pop();
  payload.rest = "x".repeat(bytes - JSON.stringify(payload).length);
  return payload;
}

async function roundTrips(plugin, { bytes, calls, warmUp }) {
  const payload = conversation(bytes);
  const text = JSON.stringify(payload);
  insist(text.length === bytes, `payload of ${text.length} bytes`);
  const first = await plugin.invoke("echo", payload);
  insist(JSON.stringify(first.echo) === text, "echo");
  for (let n = 0; n < warmUp; n++) await plugin.invoke("echo", payload);
  const samples = [];
  for (let done = 0; done < calls; done += batchSize) {
    const before = performance.now();
    for (let n = 0; n < batchSize; n++) await plugin.invoke("echo", payload);
    samples.push((performance.now() - before) / batchSize);
  }
  const last = await plugin.invoke("echo", payload);
  insist(JSON.stringify(last.echo) === text, "echo at the end");
  return samples;
}

export async function run(start) {
  let count = 1;
  let plugin;
  const commands = {
    async first() {
      plugin = await start(1);
      await firstResult(plugin);
      return performance.now(); // counted from the navigation's start, which is the page's time origin
    },
    async add() {
      const before = performance.now();
      const another = await start(++count);
      await firstResult(another);
      return performance.now() - before;
    },
    roundTrips: (options) => roundTrips(plugin, options),
    async kill({ deadlineMs }) {
      const { deadlineAt, killedAt, next } = await plugin.spinAndKill(deadlineMs);
      plugin = await next;
      await firstResult(plugin);
      const end = performance.now();
      return { fromDeadline: end - deadlineAt, fromKill: end - killedAt };
    },
    async killSpare({ deadlineMs, times }) {
      const samples = [];
      for (let n = 0; n < times; n++) {
        await plugin.spareReady?.(count);
        const { killedAt, next } = await plugin.spinAndKill(deadlineMs);
        plugin = await next;
        await firstResult(plugin);
        samples.push(performance.now() - killedAt);
      }
      return samples;
    },
    async overruns({ metric, deadlineMs, times }) {
      const samples = [];
      for (let n = 0; n < times; n++) {
        await plugin.spareReady(count);
        samples.push(await plugin.overrun(metric, deadlineMs));
        await firstResult(plugin);
      }
      return samples;
    },
  };
  let report = { value: null };
  for (let command = { name: "first" }; command !== null;) {
    try {
      report = { value: await commands[command.name](command.options ?? {}) };
    } catch (error) {
      report = { error: `${command.name}: ${error?.message ?? error}` };
    }
    const answer = await fetch(`/control/${settings.run}`, { method: "POST", body: JSON.stringify(report) });
    command = answer.status === 200 ? await answer.json() : null;
  }
}

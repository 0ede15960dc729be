// How each kind of attack is played, outside of the sandbox and inside. Each half tells `{worked, said}`: what was seen
// here. What reached a listening server is seen there, and counts more.
import * as floods from "./plays_holding.js";
import * as messages from "./plays_messages.js";
import { inFrame, inWorker } from "./outside.js";
import { sleep } from "./stage.js";

const SETTLE_MS = 50; // for a request that is on its way although its script was told otherwise; more are counted later

const told = (answer) => answer.open !== undefined ? `open: ${answer.open}` : `refused: ${answer.refused}`;
const isAbsent = (answer) => /is not defined|Can't find variable|is not a (function|constructor)|undefined/.test(answer.refused ?? "");

function outside(answer, attack) {
  const worked = answer.open !== undefined && (!attack.proof || answer.open === attack.proof);
  return { worked, said: told(answer), ...(isAbsent(answer) ? { absent: "this engine has no such thing" } : {}) };
}

/** What the roads from Python to an evaluator made of the code. */
async function inside(stage, attack) {
  const tried = await stage.value("evaluate", { expression: stage.code(attack, "attack") });
  const open = tried.find(({ result }) => result === "open");
  const worked = open !== undefined && (!attack.proof || open.said === attack.proof);
  const said = open
    ? `open by ${open.by}: ${open.said}`
    : `no road from Python to an evaluator: ${tried.map(({ by, said }) => `${by}: ${said}`).join("; ")}`;
  return { worked, said };
}

/** JavaScript's text. A listening server, the page's ears, or a value that only its evaluation gives, show the rest. */
const script = {
  async control(stage, attack) {
    const seen = outside(await inWorker(stage.code(attack, "control")), attack);
    await sleep(attack.quick ? 0 : SETTLE_MS);
    return seen;
  },
  async attack(stage, attack) {
    const seen = await inside(stage, attack);
    await sleep(attack.quick ? 0 : SETTLE_MS);
    return seen;
  },
};

/** The same, where a worker never has what is asked for: the control is an ordinary frame. */
const frame = {
  control: async (stage, attack) => outside(await inFrame(stage.code(attack, "control")), attack),
  attack: inside,
};

/** What is said on a channel of the browser's, as the page hears it. */
async function heardOn(name, work) {
  const channel = new BroadcastChannel(name);
  let heard = false;
  channel.onmessage = () => heard = true;
  try {
    const seen = await work();
    await sleep(300);
    return { ...seen, worked: heard };
  } finally {
    channel.close();
  }
}

const channel = {
  control: (stage, attack) => heardOn("pysandbox-control", () => script.control(stage, attack)),
  attack: (stage, attack) => heardOn("pysandbox-attack", () => script.attack(stage, attack)),
};

/** What one leaves for the next: the code says `nothing` the first time, and `left` where that stayed. */
const twice = {
  async control(stage, attack) {
    const first = outside(await inWorker(stage.code(attack, "control")), attack);
    if (first.absent) return first;
    return outside(await inWorker(stage.code(attack, "control")), attack);
  },
  async attack(stage, attack) {
    await inside(stage, attack);
    await stage.drop();
    return await inside(stage, attack);
  },
};

/** A road of Python's own. Where it ends in a function of the browser's, that function is its control. */
const road = {
  async control(stage, attack) {
    return attack.code ? await script.control(stage, attack) : { worked: null, said: "tried by the command" };
  },
  async attack(stage, attack) {
    const url = `${stage.plan.http}/attack/${attack.slug}`;
    const said = await stage.value("road", { name: attack.road, url });
    await sleep(SETTLE_MS);
    return { worked: said.startsWith("open"), said };
  },
};

const crawl = {
  control: async (stage, attack) => outside(await inWorker(stage.code(attack, "control")), attack),
  async attack(stage) {
    const found = await stage.value("crawl", null);
    return { worked: found.length > 0, said: found.length ? found.join(", ") : "nothing of the browser's is in reach" };
  },
};

/** A permission that nobody gave. The page's own function counts who reached it. */
const ask = {
  async control(stage) {
    const before = stage.calls["webchat:session:read"] ?? 0;
    await stage.value("ask", "webchat:session:read");
    const calls = (stage.calls["webchat:session:read"] ?? 0) - before;
    return { worked: calls === 1, said: `what was declared and granted reached the page ${calls} time(s)` };
  },
  async attack(stage, attack) {
    const sum = () => Object.values(stage.calls).reduce((all, count) => all + count, 0);
    const attacker = await stage.attacker({ fresh: attack.revoke === true });
    if (attack.revoke) await attacker.plugin.revoke(attack.permission);
    const before = sum();
    const outcome = await attacker.plugin.invoke("ask", attack.permission);
    attacker.hurt ||= attack.revoke === true;
    const calls = sum() - before;
    return { worked: calls > 0, said: `${outcome.status} ${outcome.error?.code ?? ""}, the page was called ${calls} time(s)` };
  },
};

const POISON = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}';

/** Merges as careless pages do. */
function merge(target, source) {
  for (const key of Object.keys(source)) {
    if (typeof source[key] === "object") merge(target[key] ??= {}, source[key]);
    else target[key] = source[key];
  }
  return target;
}

const pollute = {
  async control() {
    const said = await inWorker(`(${merge})({}, JSON.parse('${POISON}')), String(({}).polluted)`);
    return { worked: said.open === "1", said: `a page that merges what it is sent: polluted is ${said.open}` };
  },
  async attack(stage) {
    const before = Reflect.ownKeys(Object.prototype).length;
    await stage.value("pollute", JSON.parse(POISON));
    await sleep(100);
    const grown = Reflect.ownKeys(Object.prototype).length - before;
    return { worked: grown !== 0 || ({}).polluted !== undefined, said: `Object.prototype has ${grown} more names` };
  },
};

/** A name that every object has, where a handler's is expected. */
const handlerName = {
  async control(_stage, attack) {
    const found = await inWorker(`typeof ({})[${JSON.stringify(attack.name)}]`);
    return { worked: found.open !== "undefined", said: `an ordinary table gives a ${found.open} for ${attack.name}` };
  },
  async attack(stage, attack) {
    const attacker = await stage.attacker();
    const outcome = await attacker.plugin.invoke(attack.name, {});
    return { worked: outcome.status === "ok", said: `${outcome.status} ${outcome.error?.code ?? ""}` };
  },
};

/** What a plugin leaves: looked for by its own next instance, or by the other plugin. */
const state = {
  async control(stage) {
    await stage.value("leave", "left", { fresh: true });
    const found = await stage.value("find", null);
    return { worked: found !== "", said: `the same worker finds it in ${found}` };
  },
  async attack(stage, attack) {
    await stage.value("leave", "left", { fresh: true });
    let found;
    if (attack.by === "witness") found = (await (await stage.witness()).plugin.invoke("find")).value;
    else found = await stage.value("find", null, { fresh: true });
    return { worked: found !== "", said: found ? `found in ${found}` : "nothing is found" };
  },
};

/** A secret of the page's or the session's, anywhere in the plugin's heap. Its hash goes in, never the secret. */
const search = {
  async control(stage) {
    const planted = "pysandbox-planted-0123456789";
    const count = await stage.value("search", { ...await digest(planted), plant: planted }, { fresh: true });
    return { worked: count > 0, said: `a planted secret is found ${count} time(s)` };
  },
  async attack(stage) {
    const count = await stage.value("search", await digest(stage.plan.token), { fresh: true });
    return { worked: count > 0, said: `the token is found ${count} time(s) in the plugin's heap` };
  },
};

const FINE_US = 1500;

/** How small a step of time can be told apart. */
const clock = {
  async control(stage, attack) {
    const { open } = await inWorker(stage.code(attack, "control"));
    return { worked: Number(open) < FINE_US, said: `an ordinary worker tells ${open} µs apart` };
  },
  async attack(stage) {
    const step = await stage.value("clock", null);
    return { worked: step < FINE_US, said: `the plugin tells ${step} µs apart` };
  },
};

async function digest(text) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return { sha256: [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join(""), chars: text.length };
}

export const plays = {
  script, frame, channel, twice, road, crawl, ask, pollute, handlerName, state, search, clock, ...floods.plays, ...messages.plays,
};

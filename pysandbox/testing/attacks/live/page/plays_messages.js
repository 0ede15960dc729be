// Messages: on the plugin's own port, and between windows.
import { sleep } from "./stage.js";

const isForged = ({ kind, detail }) => kind === "event" && detail.event === "forged";
const heard = (loaded) => loaded.heard.filter(isForged).length;

/** Envelopes by the runtime's own parts. `delivered`: how many of them are as they should be. */
const forge = {
  async control(stage) {
    const attacker = await stage.attacker();
    const before = heard(attacker);
    await stage.value("forge", { name: "honest" });
    await stage.value("echo", "after it"); // on the same port: what was sent before it has been heard, if it ever is
    const count = heard(attacker) - before;
    return { worked: count === 1, said: `the same message, sealed as it should be, is heard ${count} time(s)` };
  },
  async attack(stage, attack) {
    const attacker = await stage.attacker();
    const before = heard(attacker);
    const outcome = await attacker.plugin.invoke("forge", { name: attack.forgery, message: attack.message ?? {} });
    const next = await attacker.plugin.invoke("echo", "after it");
    attacker.hurt = next.status !== "ok" || next.generation !== outcome.generation;
    const count = heard(attacker) - before - attack.delivered;
    const well = await stage.neighbourIsWell();
    const said = `${outcome.status}; the page heard ${count} forged, then its plugin answered ${next.status}, ` +
      `and the other ${well ? "is well" : "does not answer"}`;
    return { worked: count > 0 || !well, said };
  },
};

const answerTwice = {
  control: forge.control,
  async attack(stage) {
    const attacker = await stage.attacker({ fresh: true });
    const outcome = await attacker.plugin.invoke("answer_twice", null);
    const next = await attacker.plugin.invoke("echo", "mine");
    attacker.hurt = true;
    // Its own first answer counts, as it may; what comes second must answer nothing.
    return { worked: next.value !== "mine", said: `${outcome.status}; the next call got ${JSON.stringify(next.value)}` };
  },
};

const WORDS = `[{ kind: "ready", v: 1 }, { kind: "failed", v: 1, code: "FORGED", message: "by a sibling" },
  { kind: "init", v: 1, spares: 0 }, { kind: "init", v: 1, memoryMB: 64 }, { __proto__: null, kind: "__proto__" }, null, 7]`;
// A frame without an origin that posts what page, host frame and cells wait for to everybody, all the time.
const SIBLING = `<!doctype html><script>
const words = ${WORDS};
setInterval(() => {
  const windows = [parent, ...Array.from({ length: parent.frames.length }, (_, n) => parent.frames[n])];
  for (const target of windows) {
    for (const word of words) target.postMessage(word, "*", [new MessageChannel().port1]);
    for (let n = 0; n < target.frames.length; n++) target.frames[n].postMessage(words[3], "*");
  }
}, 5);
</script>`;

async function besideSibling(work) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.srcdoc = SIBLING;
  document.body.append(frame);
  try {
    await sleep(300);
    return await work();
  } finally {
    frame.remove();
  }
}

const sibling = {
  control: () =>
    besideSibling(async () => {
      let count = 0;
      const naive = ({ data }) => count += data?.kind === "ready" ? 1 : 0;
      addEventListener("message", naive);
      await sleep(300);
      removeEventListener("message", naive);
      return { worked: count > 0, said: `a page that looks at no sender hears ${count} forged \`ready\`` };
    }),
  async attack(stage) {
    await stage.close();
    return await besideSibling(async () => {
      const before = stage.alerts.length;
      const well = await stage.neighbourIsWell();
      const alerts = stage.alerts.slice(before);
      const said = `a sandbox opened beside it ${well ? "works" : "does not work"}, alerts: ${alerts.join(" ") || "none"}`;
      return { worked: !well || alerts.length > 0, said };
    });
  },
};

/** A second `init`, by whoever may write to the host frame, must end the session rather than take it over. */
const secondInit = {
  async control() {
    const frame = document.createElement("iframe");
    frame.srcdoc = `<!doctype html><script>addEventListener("message", ({ ports }) => ports[0].postMessage("yours"));</script>`;
    const loaded = new Promise((resolve) => frame.onload = resolve);
    document.body.append(frame);
    await loaded;
    const answers = [];
    for (let n = 0; n < 2; n++) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => answers.push(data);
      frame.contentWindow.postMessage({ kind: "init" }, "*", [port2]);
    }
    await sleep(200);
    frame.remove();
    return { worked: answers.length === 2, said: `a frame that does not count answers ${answers.length} of two` };
  },
  async attack(stage) {
    await stage.neighbourIsWell();
    const host = document.querySelector("iframe[title=pysandbox]");
    if (!host) return { worked: null, said: "there is no host frame to write to" };
    const { port1, port2 } = new MessageChannel();
    let answers = 0;
    port1.onmessage = () => answers++;
    host.contentWindow.postMessage({ kind: "init", v: 1, spares: 0 }, stage.plan.sandboxOrigin, [port2]);
    await sleep(1000);
    const outcome = await stage.loaded.witness.plugin.invoke("echo", 1, { timeoutMs: 2000 });
    await stage.close();
    return { worked: answers > 0, said: `the second port heard ${answers}; the session then answered ${outcome.status}` };
  },
};

export const plays = { forge, answerTwice, sibling, secondInit };

// The page behind `pysandbox attack`: fetches what is to be tried, does each thing twice, and posts what it saw.
// First outside of the sandbox, where it has to work (the control), then inside. It judges nothing.
import { plays } from "./plays.js";
import { Stage } from "./stage.js";

/** What one half of an attack may take; each has shorter deadlines of its own. */
const HALF_MS = 60_000;

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
history.replaceState(null, "", location.pathname);
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

const post = (path, value) => fetch(path, { method: "POST", headers, body: JSON.stringify(value) });

function show(text) {
  document.getElementById("state").textContent = text;
}

/** What came of it: `{worked, said, absent?, alerts?}`. What throws is no result, and says so. */
async function half(work) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ worked: null, said: `no end within ${HALF_MS / 1000} s` }), HALF_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    return { worked: null, said: `${error?.code ?? error?.name ?? "error"}: ${error?.message ?? error}`.slice(0, 400) };
  } finally {
    clearTimeout(timer);
  }
}

async function main() {
  const answer = await fetch("/plan", { headers, cache: "no-store" });
  if (!answer.ok) return show("The plan was refused: this page is opened by the command, once.");
  const plan = await answer.json();
  const stage = new Stage(plan);
  for (const attack of plan.attacks) {
    show(attack.title);
    const play = plays[attack.kind];
    await post("/started", { slug: attack.slug, half: "control" });
    const control = await half(() => play.control(stage, attack));
    await post("/started", { slug: attack.slug, half: "attack" });
    const from = stage.alerts.length;
    let attacked = await half(() => play.attack(stage, attack));
    if (attacked.worked === null) { // on a machine that is very busy it may not have been made: once more, from scratch
      await stage.close();
      await post("/started", { slug: attack.slug, half: "attack" });
      attacked = await half(() => play.attack(stage, attack));
    }
    await post("/seen", { slug: attack.slug, control, attack: { ...attacked, alerts: stage.alerts.slice(from) } });
  }
  await stage.close();
  await post("/done", {});
  show("Done.");
}

await main().catch((error) => post("/failed", { said: `${error?.code ?? ""} ${error?.message ?? error}` }));

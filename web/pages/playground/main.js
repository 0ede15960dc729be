// @ts-check
/** The playground of `pysandbox dev`: follows one plugin's folder, calls its handlers, shows what came of it. */
import { byId, el, formatMs } from "../dashboard/dom.js";
import { codedError } from "../demo/outcome.js";
import { ask } from "./api.js";
import { CallForm } from "./call.js";
import { Editor } from "./editor.js";
import { watchMemory } from "./memory.js";
import { Permissions } from "./permissions.js";
import { errorBlock, Result } from "./result.js";
import { Session } from "./session.js";

const AGAIN_MS = 1000;

/** What the server said last. @type {any} */
let folder = { limits: {}, inputs: {}, plugin: null, build: null };
/** The build that is loaded. @type {string | null} */
let loaded = null;
let loading = Promise.resolve();

const editor = new Editor();
const result = new Result((file, line) => editor.open(file, line), (handler, payload) => call(handler, payload));
const permissions = new Permissions({
  show: (line) => editor.open("manifest.json", line),
  called: (name, began, allowed) => result.called(name, began, allowed),
  changed: async (name, from, to) => {
    if (to === "deny") await session.plugin?.revoke(name);
    else if (from === "deny") await load(); // what was revoked stays so until the plugin is loaded again
  },
});
const session = new Session(permissions, (kind, detail) => result.note(kind, detail));
const form = new CallForm(async (handler, payload, signal) => {
  if (session.plugin) await call(handler, payload, signal);
});
watchMemory(session, () => folder.limits.memoryLimitMB);
await follow();

/** @param {string} handler @param {unknown} payload @param {AbortSignal} [signal] */
async function call(handler, payload, signal) {
  result.begin(handler);
  const outcome = await /** @type {import("./session.js").Plugin} */ (session.plugin).invoke(handler, payload, { signal });
  await result.end(handler, outcome);
  return outcome;
}

async function follow() {
  for (let revision = "";;) {
    try {
      const told = await ask(`state?since=${revision}`);
      if (told.revision !== revision) await changed(told);
      revision = told.revision;
    } catch (reason) {
      const error = codedError(reason);
      say("bad", error.message);
      if (error.code === "SESSION_INVALID") return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** @param {any} told */
async function changed(told) {
  // While the folder is broken, what still runs has the permissions and budgets that it was loaded with.
  folder = told.plugin ? told : { ...told, limits: folder.limits };
  result.files = told.files;
  byId("plugin", HTMLElement).textContent = told.plugin ?? told.folder;
  showProblems();
  if (told.plugin || !session.plugin) permissions.update(told.permissions, told.capabilities);
  form.update(handlers(), told.inputs);
  const showing = editor.refresh(told.files, told.problems);
  if (told.plugin && told.build !== loaded) await load();
  else if (!told.plugin) say("bad", session.plugin ? "The folder has problems: what ran before still runs." : "The folder has problems.");
  await showing;
}

/** One load after the other: a file may be saved while a permission is changed. */
function load() {
  loading = loading.then(loadNow);
  return loading;
}

async function loadNow() {
  if (!folder.plugin) return;
  form.ready = false;
  await form.idle; // a call that runs ends by its deadline; it is not cut off because a file was saved
  const began = performance.now();
  say("wait", session.sandbox ? "Loading the plugin…" : "Starting the sandbox…");
  loaded = folder.build;
  try {
    await session.load(folder.plugin);
    say("good", `Loaded in ${formatMs(performance.now() - began)}.`);
    form.ready = true;
  } catch (reason) {
    say("bad", "The plugin did not load.");
    const error = codedError(reason);
    byId("outcome", HTMLElement).replaceChildren(
      el("p", {}, el("span", { class: "pill", "data-level": "bad" }, error.code)), errorBlock(error));
  }
  form.update(handlers(), folder.inputs);
}

/** What the plugin said it has; before it is loaded, what there are inputs for. */
function handlers() {
  return session.plugin?.handlers ?? Object.keys(folder.inputs);
}

function showProblems() {
  const problems = folder.problems.map((/** @type {any} */ problem) =>
    el("li", {}, place(problem), " ", el("code", {}, problem.path), " ", el("b", {}, problem.rule),
      el("p", {}, problem.cure)));
  const notes = folder.notes.map((/** @type {any} */ note) =>
    el("li", {}, note.file ? place(note) : "", " ", note.text));
  byId("problems", HTMLElement).replaceChildren(...problems, ...notes);
  byId("problems-none", HTMLElement).hidden = problems.length + notes.length > 0;
}

/** @param {{ file: string, line: number }} problem */
function place({ file, line }) {
  const button = el("button", { type: "button", class: "link" }, `${file}:${line}`);
  button.addEventListener("click", () => editor.open(file, line));
  return button;
}

/** @param {"good" | "bad" | "wait"} level @param {string} text */
function say(level, text) {
  const said = byId("said", HTMLElement);
  said.dataset.level = level;
  said.textContent = text;
}

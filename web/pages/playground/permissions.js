// @ts-check
/** What the manifest asks for, and what this page answers: as it says, after asking you, or not at all. */
import { byId, el } from "../dashboard/dom.js";
import { isJson } from "./json.js";
import { prompt } from "./prompt.js";

/**
 * @typedef {{ name: string, provider: "page" | "host", opens: string, line: number }} Declared
 * @typedef {"allow" | "ask" | "deny"} Choice
 * @typedef {{ choice: Choice, answer: string, touched: boolean }} Entry
 */

const WORDS = { allow: "Allow", ask: "Ask me", deny: "Deny" };

export class Permissions {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Declared[]} */
  #declared = [];
  #hooks;

  /**
   * @param {object} hooks
   * @param {(line: number) => void} hooks.show the manifest's line
   * @param {(name: string, from: Choice, to: Choice) => Promise<void>} hooks.changed
   * @param {(name: string, began: number, allowed: boolean) => void} hooks.called
   */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  names() {
    return this.#declared.map(({ name }) => name);
  }

  denied() {
    return this.names().filter((name) => this.#entries.get(name)?.choice === "deny");
  }

  /**
   * What was chosen here stays; the rest follows the folder.
   * @param {Declared[]} declared
   * @param {Record<string, unknown>} answers of capabilities.json
   */
  update(declared, answers) {
    this.#declared = declared;
    for (const { name, provider } of declared) {
      const there = Object.hasOwn(answers, name);
      const entry = this.#entries.get(name) ??
        { choice: there || provider === "host" ? "allow" : "ask", answer: "{}", touched: false };
      if (there && !entry.touched) entry.answer = JSON.stringify(answers[name], null, 1);
      this.#entries.set(name, entry);
    }
    this.#draw();
  }

  /** The page's functions, as openSandbox takes them. */
  capabilities() {
    const own = this.#declared.filter(({ provider }) => provider === "page");
    return Object.fromEntries(own.map(({ name }) => [
      name,
      (/** @type {unknown} */ args, /** @type {{ signal: AbortSignal }} */ { signal }) => this.#answer(name, args, signal),
    ]));
  }

  /**
   * @param {string} name
   * @param {unknown} args
   * @param {AbortSignal} signal
   */
  async #answer(name, args, signal) {
    const entry = /** @type {Entry} */ (this.#entries.get(name));
    const began = performance.now();
    if (entry.choice === "ask") {
      const said = await prompt(name, args, entry.answer, signal);
      entry.answer = said.answer;
      entry.touched = true;
      if (!said.allowed) this.#hooks.called(name, began, false);
      if (said.always || !said.allowed) await this.choose(name, said.allowed ? "allow" : "deny");
      else this.#draw();
      if (!said.allowed) throw new Error("denied");
    }
    const value = JSON.parse(entry.answer);
    this.#hooks.called(name, began, true);
    return value;
  }

  /** @param {string} name @param {Choice} choice */
  async choose(name, choice) {
    const entry = /** @type {Entry} */ (this.#entries.get(name));
    const before = entry.choice;
    if (before === choice) return;
    entry.choice = choice;
    this.#draw();
    await this.#hooks.changed(name, before, choice);
  }

  #draw() {
    const list = byId("permissions", HTMLUListElement);
    const focused = document.activeElement?.id;
    list.replaceChildren(...this.#declared.map((declared) => this.#row(declared)));
    byId("permissions-none", HTMLElement).hidden = this.#declared.length > 0;
    if (focused?.startsWith("permission-")) document.getElementById(focused)?.focus();
  }

  /** @param {Declared} declared */
  #row({ name, provider, opens, line }) {
    const entry = /** @type {Entry} */ (this.#entries.get(name));
    const where = el("button", { type: "button", class: "link" }, `manifest.json:${line}`);
    where.addEventListener("click", () => this.#hooks.show(line));
    const choices = provider === "page" ? /** @type {const} */ (["allow", "ask", "deny"]) : /** @type {const} */ (["allow", "deny"]);
    const choice = el("select", { id: `permission-${name}`, "aria-label": name },
      ...choices.map((one) => el("option", { value: one, selected: entry.choice === one }, WORDS[one])));
    choice.addEventListener("change", () => this.choose(name, /** @type {Choice} */ (choice.value)));
    const controls = el("div", { class: "choices" }, choice);
    if (provider === "page") controls.append(this.#answerField(name, entry));
    return el("li", {}, el("code", {}, name), " ", where, el("p", {}, opens), controls);
  }

  /** @param {string} name @param {Entry} entry */
  #answerField(name, entry) {
    const rows = Math.min(6, entry.answer.split("\n").length);
    const field = el("textarea", { rows, id: `permission-answer-${name}`, "aria-label": `What ${name} answers, as JSON`,
      spellcheck: "false" });
    field.value = entry.answer;
    field.addEventListener("input", () => {
      const good = isJson(field.value);
      field.setAttribute("aria-invalid", String(!good));
      if (!good) return; // what was good last goes on answering
      entry.answer = field.value;
      entry.touched = true;
    });
    return field;
  }
}

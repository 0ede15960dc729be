// @ts-check
/** The form that calls a handler. What was typed is kept for each handler, through reloads of plugin and page. */
import { byId, el } from "../dashboard/dom.js";
import { codedError } from "../demo/outcome.js";
import { ask, fileAt } from "./api.js";
import { isJson } from "./json.js";

const KEPT = "pysandbox-playground-inputs";

export class CallForm {
  #handler = byId("handler", HTMLSelectElement);
  #payload = byId("payload", HTMLTextAreaElement);
  #saved = byId("saved", HTMLButtonElement);
  #go = byId("go", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);
  /** @type {Record<string, string>} what was typed, by handler */
  #typed = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  /** @type {Record<string, string>} the folder's, by handler */
  #inputs = {};
  /** @type {AbortController | null} */
  #running = null;
  #ready = false;
  /** Whether to call as soon as the plugin is loaded. */
  #wanted = false;
  #idle = Promise.resolve();
  #call;

  /** @param {(handler: string, payload: unknown, signal: AbortSignal) => Promise<void>} call */
  constructor(call) {
    this.#call = call;
    this.#handler.addEventListener("change", () => this.#show());
    this.#payload.addEventListener("input", () => this.#keepTyped(this.#payload.value));
    this.#payload.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("call", HTMLFormElement).requestSubmit();
    });
    this.#saved.addEventListener("click", () => {
      this.#keepTyped(null);
      this.#show();
    });
    byId("keep", HTMLButtonElement).addEventListener("click", () => this.#keep());
    this.#stop.addEventListener("click", () => this.#running?.abort());
    byId("call", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** @param {string[]} handlers @param {Record<string, string>} inputs */
  update(handlers, inputs) {
    this.#inputs = inputs;
    const chosen = this.#handler.value;
    this.#handler.replaceChildren(
      ...handlers.map((name) => el("option", { value: name, selected: name === chosen }, name)));
    this.#show();
  }

  /** @param {boolean} ready whether there is a plugin to call */
  set ready(ready) {
    this.#ready = ready;
    this.#buttons();
    if (ready && this.#wanted) this.#submit();
  }

  /** Resolves when no call is running. */
  get idle() {
    return this.#idle;
  }

  #show() {
    const name = this.#handler.value;
    const saved = Object.hasOwn(this.#inputs, name) ? this.#inputs[name] : undefined;
    const typed = Object.hasOwn(this.#typed, name) ? this.#typed[name] : undefined;
    const text = typed ?? saved ?? "{}";
    if (this.#payload.value !== text) this.#payload.value = text;
    this.#saved.hidden = saved === undefined || text === saved;
    this.#say("");
    this.#buttons();
  }

  /** @param {string | null} text */
  #keepTyped(text) {
    const name = this.#handler.value;
    if (text === null) delete this.#typed[name];
    else this.#typed[name] = text;
    sessionStorage.setItem(KEPT, JSON.stringify(this.#typed));
    this.#saved.hidden = !Object.hasOwn(this.#inputs, name) || text === this.#inputs[name];
    this.#say("");
  }

  async #submit() {
    if (this.#running) return;
    this.#wanted = !this.#ready;
    if (this.#wanted) {
      byId("said", HTMLElement).textContent = "It is called as soon as the plugin is loaded.";
      return;
    }
    const text = this.#payload.value;
    try {
      JSON.parse(text);
    } catch (problem) {
      this.#say(`This is no JSON: ${problem instanceof Error ? problem.message : problem}`);
      return this.#payload.focus();
    }
    this.#running = new AbortController();
    this.#buttons();
    this.#idle = this.#call(this.#handler.value, JSON.parse(text), this.#running.signal).finally(() => {
      this.#running = null;
      this.#buttons();
    });
    await this.#idle;
  }

  /** Puts what is typed into input.HANDLER.json, where `pysandbox test` finds it. */
  async #keep() {
    const name = `input.${this.#handler.value}.json`;
    const text = this.#payload.value;
    if (!isJson(text)) return this.#say("Only JSON can be saved as an input.");
    try {
      const there = Object.hasOwn(this.#inputs, this.#handler.value);
      const before = there ? (await ask(fileAt(name))).version : null;
      await ask(fileAt(name), { method: "PUT", body: { text, before } });
      this.#keepTyped(null);
      byId("said", HTMLElement).textContent = `${name} saved.`;
    } catch (reason) {
      this.#say(codedError(reason).message);
    }
  }

  /** @param {string} text what is wrong; "" for nothing */
  #say(text) {
    byId("payload-said", HTMLElement).textContent = text;
    this.#payload.setAttribute("aria-invalid", String(text !== ""));
  }

  #buttons() {
    this.#go.disabled = this.#running !== null || !this.#handler.value;
    this.#stop.disabled = this.#running === null;
  }
}

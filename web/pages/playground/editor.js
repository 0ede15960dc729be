// @ts-check
/** A plain editor for the folder's files. It writes when you save, and never over what it has not seen. */
import { byId, el } from "../dashboard/dom.js";
import { codedError } from "../demo/outcome.js";
import { ask, fileAt } from "./api.js";
import { completed } from "./complete.js";

const INDENT = "    ";

/** @typedef {{ text: string, saved: string, version: string, stale: boolean }} Draft */

export class Editor {
  #file = byId("file", HTMLSelectElement);
  #source = byId("source", HTMLTextAreaElement);
  #gutter = byId("gutter", HTMLElement);
  #save = byId("save", HTMLButtonElement);
  #fromDisk = byId("from-disk", HTMLButtonElement);
  /** @type {Map<string, Draft>} */
  #drafts = new Map();
  /** @type {Map<string, Map<number, string>>} by file: what is wrong, by line */
  #marks = new Map();
  #leaving = false;

  constructor() {
    this.#file.addEventListener("change", () => this.open(this.#file.value));
    this.#save.addEventListener("click", () => this.save());
    this.#fromDisk.addEventListener("click", () => this.#read(this.#file.value));
    this.#source.addEventListener("input", () => this.#typed());
    this.#source.addEventListener("scroll", () => this.#gutter.scrollTop = this.#source.scrollTop);
    this.#source.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("beforeunload", (event) => {
      if ([...this.#drafts.values()].some((draft) => draft.text !== draft.saved)) event.preventDefault();
    });
  }

  /**
   * The folder is as it is told here now: drafts stay, what was not touched follows.
   * @param {string[]} files
   * @param {{ file: string, line: number, rule: string }[]} problems
   */
  async refresh(files, problems) {
    this.#marks = new Map();
    for (const { file, line, rule } of problems) {
      const lines = this.#marks.get(file) ?? new Map();
      this.#marks.set(file, lines.set(line, rule));
    }
    const current = this.#file.value;
    const names = files.includes(current) || !this.#drafts.has(current) ? files : [...files, current];
    this.#file.replaceChildren(...names.map((name) => el("option", { value: name, selected: name === current }, name)));
    for (const [name, draft] of this.#drafts) {
      if (!files.includes(name)) continue;
      const { text, version } = await ask(fileAt(name));
      if (version === draft.version) continue;
      if (draft.text === draft.saved) this.#drafts.set(name, { text, saved: text, version, stale: false });
      else draft.stale = true;
    }
    if (current) this.#show();
    else await this.open(["plugin.py", "manifest.json"].find((name) => files.includes(name)) ?? files[0]);
  }

  /**
   * @param {string | undefined} name
   * @param {number} [line] to go to
   */
  async open(name, line) {
    if (!name) return;
    if (!this.#drafts.has(name)) await this.#read(name);
    this.#file.value = name;
    this.#show();
    if (line === undefined || !this.#drafts.has(name)) return;
    const lines = this.#source.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.#source.focus();
    this.#source.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    const height = parseFloat(getComputedStyle(this.#source).lineHeight);
    this.#source.scrollTop = Math.max(0, (line - 5) * height);
  }

  /** @returns {Promise<boolean>} whether the file is as it stands here now */
  async save() {
    const name = this.#file.value;
    const draft = this.#drafts.get(name);
    if (!draft || draft.text === draft.saved) return true;
    const { text } = draft;
    try {
      const { version } = await ask(fileAt(name), { method: "PUT", body: { text, before: draft.version } });
      Object.assign(draft, { saved: text, version, stale: false });
      this.#say(`${name} saved.`);
    } catch (reason) {
      this.#say(codedError(reason).message);
      draft.stale = true;
    }
    this.#buttons();
    return draft.text === draft.saved;
  }

  /** @param {string} name */
  async #read(name) {
    try {
      const { text, version } = await ask(fileAt(name));
      this.#drafts.set(name, { text, saved: text, version, stale: false });
      this.#say("");
      if (this.#file.value === name) this.#show();
    } catch (reason) {
      this.#say(codedError(reason).message);
    }
  }

  #show() {
    const draft = this.#drafts.get(this.#file.value);
    if (draft && this.#source.value !== draft.text) {
      const { selectionStart, scrollTop } = this.#source;
      this.#source.value = draft.text;
      this.#source.setSelectionRange(selectionStart, selectionStart);
      this.#source.scrollTop = scrollTop;
    }
    this.#number();
    this.#buttons();
  }

  #typed() {
    const draft = this.#drafts.get(this.#file.value);
    if (draft) draft.text = this.#source.value;
    byId("completions", HTMLElement).textContent = this.#completed().names.join("  ");
    this.#number();
    this.#buttons();
  }

  #buttons() {
    const draft = this.#drafts.get(this.#file.value);
    this.#save.disabled = !draft || draft.text === draft.saved;
    this.#fromDisk.hidden = !draft?.stale;
  }

  #number() {
    const count = this.#source.value.split("\n").length;
    const marks = this.#marks.get(this.#file.value);
    this.#gutter.replaceChildren(...Array.from({ length: count }, (_, at) =>
      el("div", { class: marks?.has(at + 1) ? "bad" : false, title: marks?.get(at + 1) ?? false }, String(at + 1))));
    this.#gutter.scrollTop = this.#source.scrollTop;
  }

  #completed() {
    return completed(this.#source.value.slice(0, this.#source.selectionStart));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      this.save();
    } else if (event.code === "Space" && event.ctrlKey) {
      event.preventDefault();
      this.#insert(this.#completed().rest);
    } else if (event.key === "Tab" && !this.#leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      if (event.shiftKey) this.#dedent();
      else this.#insert(INDENT);
    }
    if (event.key !== "Shift") this.#leaving = event.key === "Escape"; // Tab leaves after it, and only right after it
  }

  #dedent() {
    const { value, selectionStart } = this.#source;
    const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const width = /^ {0,4}/.exec(value.slice(start))?.[0].length ?? 0;
    if (!width) return;
    this.#source.setSelectionRange(start, start + width);
    this.#insert("");
    const back = Math.max(start, selectionStart - width);
    this.#source.setSelectionRange(back, back);
  }

  /** By the browser's own editing, so that it can be undone. @param {string} text */
  #insert(text) {
    const { selectionStart: from, selectionEnd: until } = this.#source;
    if (!text && from === until) return;
    const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    if (done) return;
    this.#source.setRangeText(text, from, until, "end");
    this.#typed();
  }

  /** @param {string} text */
  #say(text) {
    byId("file-said", HTMLElement).textContent = text;
  }
}

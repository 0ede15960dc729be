// @ts-check
/** What a call came to: its outcome, its traceback with the author's own lines, its log, its timeline, its denial. */
import { byId, el, formatMs } from "../dashboard/dom.js";
import { waterfall } from "../dashboard/waterfall.js";
import { codedError, figures, pill, problemList } from "../demo/outcome.js";
import { ask } from "./api.js";
import { drawing, mayBeDrawing } from "./drawing.js";
import { shown } from "./json.js";

/**
 * @typedef {import("../dashboard/waterfall.js").Bar} Bar
 * @typedef {import("../demo/types.js").CodedError} CodedError
 * @typedef {import("../demo/types.js").Outcome} Outcome
 * @typedef {(file: string, line: number) => void} Show opens the editor there
 */

const LINES_KEPT = 500;
const BARS_KEPT = 200;
const PLACE = /^\s*File "(.+)", line (\d+)/;

/** @param {CodedError} error */
export function errorBlock(error) {
  return el("div", {}, el("p", { class: "bad" }, error.message), problemList(error));
}

export class Result {
  /** @type {string[]} */
  files = [];
  /** @type {Bar[]} */
  #bars = [];
  #began = 0;
  #drawing = 0;
  /** What you denied during the call: the error does not always name it. */
  #denied = "";
  #show;
  #call;

  /** @param {Show} show @param {(handler: string, payload: unknown) => Promise<Outcome>} call what a drawing's buttons ask for */
  constructor(show, call) {
    this.#show = show;
    this.#call = call;
  }

  /** @param {string} handler */
  begin(handler) {
    this.#began = performance.now();
    this.#denied = "";
    this.#bars = [{ name: `call of ${handler}`, from: 0, ms: 0, kind: "log", note: "running" }];
    byId("log", HTMLElement).replaceChildren();
    byId("outcome", HTMLElement).replaceChildren(el("p", {}, `${handler} is running…`));
  }

  /** @param {string} handler @param {Outcome} outcome */
  async end(handler, outcome) {
    const good = outcome.status === "ok";
    const elapsed = performance.now() - this.#began;
    this.#bars[0] = {
      name: `call of ${handler}`, from: 0, ms: elapsed, kind: good ? "ok" : "failed",
      note: `${outcome.status} · ${formatMs(elapsed)} for the page, ${formatMs(outcome.durationMs)} for the host`,
    };
    this.#draw();
    /** @type {HTMLElement[]} */
    const parts = [el("p", {}, pill(outcome), ` ${handler} `, el("small", {}, figures(outcome)),
      outcome.layer ? el("small", {}, ` · ended by the ${outcome.layer} deadline`) : null)];
    if (good && mayBeDrawing(outcome.value)) parts.push(await drawing(outcome, this.#call));
    if (good) parts.push(el("pre", {}, shown(outcome.value ?? null)));
    else if (outcome.error) parts.push(errorBlock(outcome.error));
    byId("outcome", HTMLElement).replaceChildren(...parts);
    if (outcome.error?.code === "PERMISSION_DENIED") await this.#explain(outcome.error.message);
  }

  /**
   * What the plugin or the sandbox said meanwhile.
   * @param {"log" | "progress" | "event" | "alert"} kind
   * @param {any} detail
   */
  note(kind, detail) {
    const said = kind === "log"
      ? `${detail.level} ${detail.message}${fieldsOf(detail.fields)}`
      : kind === "progress"
      ? `progress ${Math.round(detail.fraction * 100)} % ${detail.message}`
      : `${kind} ${JSON.stringify(detail)}`;
    const level = kind === "alert" ? "error" : kind === "log" ? detail.level : "info";
    const trace = kind === "log" && detail.fields?.traceback === true;
    const list = byId("log", HTMLElement);
    list.append(el("li", { "data-level": level }, ...(trace ? this.#traceback(detail.message) : [said])));
    if (list.children.length > LINES_KEPT) list.firstElementChild?.remove();
    list.scrollTop = list.scrollHeight;
    const bar = level === "error" ? "alert" : "log";
    const first = trace ? detail.message.trim().split("\n").at(-1) : said.split("\n")[0];
    this.#add({ name: kind, from: performance.now() - this.#began, ms: 0, kind: bar, note: first.slice(0, 200) });
  }

  /** @param {string} name @param {number} began @param {boolean} allowed */
  called(name, began, allowed) {
    if (!allowed) this.#denied = name;
    const note = allowed ? "answered" : "denied by you";
    const ms = performance.now() - began;
    this.#add({ name: `page answers ${name}`, from: began - this.#began, ms, kind: "network", note: `${note} · ${formatMs(ms)}` });
  }

  /** @param {Bar} bar */
  #add(bar) {
    if (!this.#bars.length || this.#bars.length >= BARS_KEPT) return;
    this.#bars.push(bar);
    if (!this.#drawing) this.#drawing = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    byId("timeline", HTMLElement).replaceChildren(waterfall(this.#bars));
  }

  /**
   * A traceback whose places in the author's files lead there.
   * @param {string} text
   */
  #traceback(text) {
    return text.trimEnd().split("\n").map((line) => {
      const found = PLACE.exec(line);
      const file = found && this.files.find((name) => found[1].endsWith(`/${name}`) || found[1] === name);
      if (!found || !file) return el("span", { class: found ? "ours" : false }, `${line}\n`);
      const button = el("button", { type: "button", class: "link own" }, `${file}:${found[2]}`);
      button.addEventListener("click", () => this.#show(file, Number(found[2])));
      return el("span", {}, "  ", button, line.slice(found[0].length), "\n");
    });
  }

  /** @param {string} message */
  async #explain(message) {
    /** @type {any} */
    let told;
    try {
      told = await ask("explain", { method: "POST", body: { message, permission: this.#denied } });
    } catch (reason) {
      return byId("outcome", HTMLElement).append(el("p", { class: "hint" }, codedError(reason).message));
    }
    const where = el("button", { type: "button", class: "link" }, `manifest.json:${told.line}`);
    where.addEventListener("click", () => this.#show("manifest.json", told.line));
    byId("outcome", HTMLElement).append(el("div", { class: "explained" },
      el("h3", {}, "Why it was denied"),
      el("dl", {},
        el("dt", {}, "Permission"), el("dd", {}, told.permission ? el("code", {}, told.permission) : "none by that name",
          told.permission ? ` ${told.opens}` : ""),
        el("dt", {}, "Rule"), el("dd", {}, told.rule),
        el("dt", {}, "Where"), el("dd", {}, where, " ", el("code", {}, told.path)),
        el("dt", {}, "How to ask for it"), el("dd", {}, told.cure,
          told.write ? el("pre", {}, `"permissions": ${told.write}`) : null))));
  }
}

/** @param {Record<string, unknown> | undefined} fields */
const fieldsOf = (fields) => fields && Object.keys(fields).length ? ` ${JSON.stringify(fields)}` : "";

// @ts-check
/** One plugin's card: its name, its latest result, and the figures of the call. The frame never changes its size. */
import { el } from "./dom.js";
import { errorBlock, figures, pill } from "./outcome.js";

/** @typedef {import("./types.js").Outcome} Outcome */
/** @typedef {import("./types.js").CodedError} CodedError */

export class Card {
  #state = el("span", { class: "pill", "data-level": "wait" }, "starting");
  #body;
  #ref = el("p", { class: "ref" });
  #figures = el("p", { class: "figures" });

  /**
   * @param {string} title
   * @param {string} ref the plugin, as it is asked for
   * @param {string} empty what stands there before the first result
   */
  constructor(title, ref, empty) {
    const id = `card-${title.toLowerCase().replaceAll(/\W+/g, "-")}`;
    this.#body = el(
      "div",
      { class: "body", tabindex: "0", role: "group", "aria-labelledby": id },
      el("p", { class: "empty" }, empty),
    );
    this.node = el(
      "article",
      { class: "card", "aria-labelledby": id, "aria-busy": "true" },
      el("header", {}, el("h3", { id }, title), this.#state),
      this.#ref,
      this.#body,
      this.#figures,
    );
    this.#ref.textContent = ref;
    this.#figures.textContent = "\u00a0";
  }

  /** @param {string} loaded the plugin and its version */
  ready(loaded) {
    this.#ref.textContent = loaded;
    this.#mark("ready", "idle");
  }

  /** @param {string} [text] replaces the result while it runs; without it the last result stays */
  busy(text) {
    this.#mark("running", "wait");
    if (text) this.#body.replaceChildren(el("p", { class: "empty" }, text));
  }

  /**
   * @param {Outcome} outcome
   * @param {Node[]} [content] what to show; an outcome that is not `ok` shows its error first
   * @param {string} [lead] a line above it all
   */
  show(outcome, content = [], lead = "") {
    this.node.setAttribute("aria-busy", "false");
    const next = pill(outcome);
    this.#state.replaceWith(next);
    this.#state = next;
    this.#figures.textContent = figures(outcome);
    const heading = lead ? [el("p", { class: "lead" }, lead)] : [];
    this.#body.replaceChildren(...heading, ...(outcome.error ? [errorBlock(outcome.error, false)] : []), ...content);
    this.#body.scrollTop = 0;
  }

  /**
   * @param {CodedError} error why the plugin could not be loaded
   * @param {() => void} retry
   */
  failed(error, retry) {
    this.#mark("not loaded", "bad");
    const again = el("button", { type: "button" }, "Load again");
    again.addEventListener("click", retry);
    this.#body.replaceChildren(errorBlock(error), again);
  }

  /** @param {string} text what stands there while nothing can be called */
  idle(text) {
    this.#mark("not loaded", "idle");
    this.#body.replaceChildren(el("p", { class: "empty" }, text));
  }

  /**
   * @param {string} text
   * @param {"idle" | "wait" | "bad"} level
   */
  #mark(text, level) {
    this.node.setAttribute("aria-busy", String(level === "wait"));
    this.#state.textContent = text;
    this.#state.dataset.level = level;
  }
}

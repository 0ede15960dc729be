// @ts-check
/** The log of security alerts: the newest on top, one line for a run of the same. */
import { byId, clock, el } from "./dom.js";

const LINES_SHOWN = 100;

/** @typedef {import("./types.js").SecurityAlert} SecurityAlert */

export class AlertLog {
  count = 0;
  /** The run on top of the log: what repeats, how often, and where that is written. */
  #run = { key: "", times: 0, badge: el("b") };
  #log = byId("alerts", HTMLOListElement);
  #total = byId("alert-count", HTMLElement);

  /** @param {SecurityAlert} alert */
  add(alert) {
    this.count += 1;
    this.#total.textContent = String(this.count);
    this.#total.dataset.level = "bad";
    const { code, rule, pluginId, generation, evidence } = alert;
    const key = JSON.stringify([code, rule, pluginId, generation, evidence]);
    if (key !== this.#run.key) this.#begin(key, alert);
    this.#run.times += 1;
    this.#run.badge.textContent = this.#run.times > 1 ? `× ${this.#run.times} ` : "";
  }

  /**
   * @param {string} key
   * @param {SecurityAlert} alert
   */
  #begin(key, { code, rule, pluginId, generation, evidence }) {
    this.#run = { key, times: 0, badge: el("b") };
    const proof = evidence ? ` · message ${evidence.slice(0, 12)}…` : "";
    const text = `${rule} · ${pluginId} · generation ${generation}${proof}`;
    this.#log.querySelector(".empty")?.remove();
    this.#log.prepend(el(
      "li",
      {},
      el("span", { class: "pill", "data-level": "bad" }, code),
      ` ${clock()} `,
      this.#run.badge,
      el("small", {}, text),
    ));
    if (this.#log.children.length > LINES_SHOWN) this.#log.lastElementChild?.remove();
  }
}

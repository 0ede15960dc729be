// @ts-check
/** The live tail: what came since the last look, newest first. */
import { ask } from "./api.js";
import { byId, el, formatMs } from "./dom.js";
import { requestFailed, requestSaid } from "./trace.js";

const EVERY_MS = 2000;
const KEPT = 200;

export class Tail {
  #after = -1;
  #timer = 0;
  #running = false;

  /** @param {(correlationId: string) => void} open */
  constructor(open) {
    this.open = open;
    byId("tail-pause", HTMLInputElement).addEventListener("change", () => this.#again());
    byId("tail-status", HTMLSelectElement).addEventListener("change", () => {
      this.#after = -1;
      byId("tail", HTMLElement).replaceChildren();
      this.#again();
    });
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#look();
  }

  stop() {
    this.#running = false;
    this.#after = -1;
    clearTimeout(this.#timer);
    byId("tail", HTMLElement).replaceChildren();
  }

  #again() {
    clearTimeout(this.#timer);
    if (this.#running) this.#look();
  }

  async #look() {
    const paused = byId("tail-pause", HTMLInputElement).checked || document.hidden;
    if (!paused) await this.#read();
    if (this.#running) this.#timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  async #read() {
    const status = byId("tail-status", HTMLSelectElement).value;
    const query = { limit: 100, ...(status && { status }), ...(this.#after >= 0 && { after: this.#after }) };
    let records;
    try {
      ({ records } = await ask("telemetry/records", query));
      byId("tail-said", HTMLElement).textContent = "";
    } catch (error) {
      byId("tail-said", HTMLElement).textContent = error instanceof Error ? error.message : String(error);
      return;
    }
    if (!this.#running) return;
    const body = byId("tail", HTMLElement);
    for (const record of records) {
      this.#after = record.seq;
      body.prepend(this.#row(record));
    }
    while (body.children.length > KEPT) body.lastElementChild?.remove();
    if (this.#after < 0) this.#after = 0;
  }

  /** @param {any} record */
  #row(record) {
    const open = el("button", { type: "button", class: "link" }, record.correlationId || "none");
    open.disabled = !record.correlationId;
    open.addEventListener("click", () => this.open(record.correlationId));
    const said = record.kind === "log"
      ? `${record.log?.level} ${record.log?.message}`
      : record.kind === "alert" ? `alert ${record.alert?.code}`
      : record.kind === "request" ? requestSaid(record) : `${record.status}${record.code ? ` ${record.code}` : ""}`;
    const bad = record.kind === "alert" || (record.kind === "invocation" && record.status !== "ok")
      || (record.kind === "request" && requestFailed(record));
    return el("tr", { class: bad ? "bad" : "" },
      el("td", {}, record.timestamp.slice(11, 23)), el("td", {}, `${record.pluginId} ${record.version}`),
      el("td", {}, record.queue), el("td", {}, record.handler), el("td", { class: "what" }, el("span", {}, said)),
      el("td", {}, ["invocation", "request"].includes(record.kind) ? formatMs(record.metrics.durationMs) : ""), el("td", {}, open));
  }
}

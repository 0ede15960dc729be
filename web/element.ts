/**
 * `<pysandbox-plugin>`: shows what a plugin draws, and invokes the handlers that its buttons and forms name.
 *
 * The plugin describes, this draws: a closed set of components, each an element of ours in a shadow tree with our own
 * style, which the page themes by custom properties. Nothing a plugin sends becomes markup, style, script or address.
 */
import type * as api from "./pysandbox.d.ts";
import type { PluginFailure } from "./pysandbox-element.d.ts";
import { STYLE } from "./element_style.ts";
import { SandboxError } from "./sandbox_error.ts";
import { checked } from "./ui_check.ts";
import { el, render, type Values } from "./ui_render.ts";

const DRAW = "draw";
const DRAWN_BY_ITSELF = "ui";
const FOCUSABLE = "button, input, textarea, select, [tabindex]";
const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

export class PysandboxPluginElement extends HTMLElement {
  static readonly observedAttributes = ["plugin", "draw"];

  readonly #shown = el("div", { part: "drawing", dir: "auto" });
  readonly #failure = el("div", { part: "failure", class: "failure", role: "alert" });
  readonly #said = el("p", { class: "said", role: "status" });
  #sandbox: api.Sandbox | null = null;
  #payload: unknown = null;
  #plugin: api.Plugin | undefined;
  #ending = new AbortController();
  #turn = 0; // a newer drawing, plugin or sandbox makes what is on its way old
  #busy = false;
  #waits = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.#failure.hidden = true;
    root.append(this.#failure, this.#shown, this.#said);
    for (const name of ["sandbox", "payload"] as const) { // set before this class was there
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      Object.assign(this, { [name]: value });
    }
  }

  get sandbox(): api.Sandbox | null {
    return this.#sandbox;
  }

  set sandbox(sandbox: api.Sandbox | null) {
    this.#sandbox = sandbox;
    this.#soon();
  }

  get payload(): unknown {
    return this.#payload;
  }

  set payload(payload: unknown) {
    this.#payload = payload;
    if (this.#plugin) this.redraw();
  }

  get plugin(): string {
    return this.getAttribute("plugin") ?? "";
  }

  set plugin(name: string) {
    this.setAttribute("plugin", name);
  }

  connectedCallback(): void {
    this.#soon();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => this.isConnected || this.#end()); // it may only be moved
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === "plugin") this.#soon();
    else this.redraw();
  }

  /** Invokes the handler that draws, with the payload of now. */
  redraw(): Promise<void> {
    return this.#invoke(this.getAttribute("draw") || DRAW, this.#payload, {});
  }

  /** One start for all that is set in one go. */
  #soon(): void {
    if (this.#waits) return;
    this.#waits = true;
    queueMicrotask(() => {
      this.#waits = false;
      this.#end();
      if (this.isConnected && this.#sandbox && this.plugin) this.#start(this.#sandbox);
    });
  }

  async #start(sandbox: api.Sandbox): Promise<void> {
    const turn = ++this.#turn;
    this.#work(true);
    try {
      const plugin = await sandbox.load(this.plugin);
      if (turn !== this.#turn) return void plugin.unload().catch(() => {}); // it goes with its sandbox at the latest
      this.#plugin = plugin;
      plugin.on("event", ({ event, data }) => {
        if (event === DRAWN_BY_ITSELF && this.#plugin === plugin) this.#draw(data, null);
      });
      await this.redraw();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error as SandboxError, () => this.#soon());
    }
  }

  #end(): void {
    this.#turn++;
    this.#ending.abort();
    this.#plugin?.unload().catch(() => {}); // where its sandbox is closed it is gone already
    this.#plugin = undefined;
    this.#work(false);
  }

  async #invoke(handler: string, payload: unknown, values: Values): Promise<void> {
    const plugin = this.#plugin;
    if (!plugin) return;
    this.#ending.abort();
    const ending = this.#ending = new AbortController();
    const turn = ++this.#turn;
    this.#work(true);
    const outcome = await plugin.invoke(handler, { payload, values }, { signal: ending.signal });
    if (turn !== this.#turn) return;
    if (outcome.error) this.#fail(outcome.error, () => this.#invoke(handler, payload, values));
    else this.#draw(outcome.value, outcome);
  }

  #draw(tree: unknown, outcome: api.Outcome | null): void {
    try {
      const drawing = render(checked(tree), (handler, payload, values) => {
        if (!this.#busy) this.#invoke(handler, payload, values);
      });
      const focused = this.#focused();
      this.#shown.replaceChildren(drawing);
      this.#focus(focused);
    } catch (error) {
      return this.#fail(error as SandboxError, () => this.redraw());
    }
    this.#failure.hidden = true;
    this.#failure.replaceChildren();
    if (outcome) this.#work(false);
    this.#said.textContent = "Updated.";
    this.dispatchEvent(new CustomEvent("drawn", { detail: outcome }));
  }

  /** What was drawn before stays. */
  #fail(error: PluginFailure, again: () => unknown): void {
    const { code, message, retryable } = error;
    this.#work(false);
    const button = el("button", { type: "button" }, "Try again");
    button.addEventListener("click", again);
    this.#failure.replaceChildren(el("p", {}, `This part cannot be shown now (${code}).`), button);
    this.#failure.hidden = false;
    this.dispatchEvent(new CustomEvent("failed", { detail: { code, message, retryable } }));
  }

  #work(busy: boolean): void {
    this.#busy = busy;
    this.#shown.setAttribute("aria-busy", String(busy));
    this.#said.textContent = busy ? "Working…" : "";
  }

  /** Which of what can have the focus has it. */
  #focused(): number {
    const active = this.shadowRoot?.activeElement;
    return active ? [...this.#shown.querySelectorAll(FOCUSABLE)].indexOf(active) : -1;
  }

  #focus(index: number): void {
    if (index >= 0) this.#shown.querySelectorAll<HTMLElement>(FOCUSABLE)[index]?.focus();
  }
}

if (!customElements.get("pysandbox-plugin")) customElements.define("pysandbox-plugin", PysandboxPluginElement);

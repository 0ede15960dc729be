// @ts-check
/** The menu button pattern of the ARIA Authoring Practices: arrows, Home, End, first letters, Escape, focus back. */
import { el } from "./dom.js";

/**
 * @typedef {object} MenuItem
 * @property {string} id
 * @property {string} label
 * @property {string} hint
 */

export class MenuButton {
  #button;
  #list;
  /** @type {HTMLElement[]} */
  #items = [];

  /**
   * @param {HTMLButtonElement} button
   * @param {HTMLElement} list
   * @param {readonly MenuItem[]} items
   * @param {(id: string) => Promise<void>} choose while it runs, the menu stays shut and the button says it is busy
   */
  constructor(button, list, items, choose) {
    this.#button = button;
    this.#list = list;
    for (const item of items) {
      const node = el("li", { role: "menuitem", tabindex: "-1" }, el("b", {}, item.label), el("small", {}, item.hint));
      node.addEventListener("click", async () => {
        this.#close(true);
        button.setAttribute("aria-disabled", "true");
        await choose(item.id).finally(() => button.removeAttribute("aria-disabled"));
      });
      this.#items.push(node);
      list.append(node);
    }
    button.addEventListener("click", () => (this.#open ? this.#close(true) : this.#show(0)));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      this.#show(event.key === "ArrowDown" ? 0 : -1);
    });
    list.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("pointerdown", (event) => {
      const inside = event.target instanceof Node && (list.contains(event.target) || button.contains(event.target));
      if (this.#open && !inside) this.#close(false);
    });
    list.addEventListener("focusout", (event) => {
      const to = event.relatedTarget;
      if (this.#open && to instanceof Node && !list.contains(to) && to !== button) this.#close(false);
    });
  }

  get #open() {
    return !this.#list.hidden;
  }

  /** @param {boolean} focus whether focus returns to the button */
  #close(focus) {
    if (!this.#open) return;
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (focus) this.#button.focus();
  }

  /** @param {number} index the item to focus; negative counts from the end */
  #show(index) {
    if (this.#button.getAttribute("aria-disabled") === "true") return;
    this.#list.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#items.at(index)?.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const count = this.#items.length;
    const at = this.#items.findIndex((item) => item === document.activeElement);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.#items[(at + 1) % count].focus(),
      ArrowUp: () => this.#items[(at - 1 + count) % count].focus(),
      Home: () => this.#items[0].focus(),
      End: () => this.#items[count - 1].focus(),
      Enter: () => this.#items[at]?.click(),
      " ": () => this.#items[at]?.click(),
      Escape: () => this.#close(true),
    };
    if (Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    } else if (event.key === "Tab") {
      this.#close(true); // focus goes on from the button
    } else if (event.key.length === 1) {
      const letter = event.key.toLowerCase();
      const rest = [...this.#items.slice(at + 1), ...this.#items.slice(0, at + 1)];
      rest.find((item) => item.textContent?.toLowerCase().startsWith(letter))?.focus();
    }
  }
}

// @ts-check
/** The two sides of the conversation, and the boxes that people write in. */
import { byId, clock, el } from "./dom.js";

/** @typedef {"customer" | "agent"} Author */

/**
 * Adds a message to one side's log and keeps the newest in view.
 * @param {string} log the log's id
 * @param {Author} author
 * @param {...(Node | string)} content
 * @returns {HTMLElement} the bubble, so that its content can be replaced later
 */
export function say(log, author, ...content) {
  const list = byId(log, HTMLOListElement);
  list.querySelector(".empty")?.remove();
  const bubble = el("div", { class: "bubble" }, ...content);
  const who = author === "customer" ? "Customer" : "Agent";
  list.append(el("li", { "data-author": author }, el("p", { class: "by" }, `${who} · ${clock()}`), bubble));
  list.scrollTop = list.scrollHeight;
  return bubble;
}

/**
 * A form whose box sends on Enter and breaks the line on Shift + Enter.
 * @param {string} form the form's id
 * @param {string} box the textarea's id
 * @param {(text: string) => void} send
 */
export function composer(form, box, send) {
  const area = byId(box, HTMLTextAreaElement);
  const node = byId(form, HTMLFormElement);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = area.value.trim();
    area.focus();
    if (!text) return;
    area.value = "";
    send(text);
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    node.requestSubmit();
  });
}

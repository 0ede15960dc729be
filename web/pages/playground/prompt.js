// @ts-check
/** Asks you what a capability shall answer. The plugin's deadline goes on meanwhile, as it would in a real page. */
import { byId, el } from "../dashboard/dom.js";
import { isJson } from "./json.js";

/** Questions wait for each other. @type {Promise<unknown>} */
let before = Promise.resolve();

/**
 * @param {string} name
 * @param {unknown} args
 * @param {string} answer what is proposed, as JSON
 * @param {AbortSignal} signal aborted when the plugin no longer waits
 * @returns {Promise<{ allowed: boolean, always: boolean, answer: string }>}
 */
export function prompt(name, args, answer, signal) {
  const mine = before.then(() => show(name, args, answer, signal));
  before = mine;
  return mine;
}

/**
 * @param {string} name
 * @param {unknown} args
 * @param {string} answer
 * @param {AbortSignal} signal
 * @returns {Promise<{ allowed: boolean, always: boolean, answer: string }>}
 */
function show(name, args, answer, signal) {
  const section = byId("asked", HTMLElement);
  const came = document.activeElement;
  const late = el("p", { role: "status" });
  const tell = () => late.textContent = "The plugin’s time was up before you answered. What you choose counts from the next call on.";
  if (signal.aborted) tell();
  else signal.addEventListener("abort", tell, { once: true });
  const field = el("textarea", { rows: 3, spellcheck: "false", "aria-label": "What it shall answer, as JSON" });
  field.value = answer;
  const { promise, resolve } = Promise.withResolvers();
  const buttons = /** @type {const} */ ([["Allow", true, false], ["Always allow", true, true], ["Deny", false, false]])
    .map(([text, allowed, always]) => {
      const button = el("button", { type: "button" }, text);
      button.addEventListener("click", () => {
        const good = isJson(field.value);
        field.setAttribute("aria-invalid", String(!good));
        if (allowed && !good) return field.focus();
        if (came instanceof HTMLElement && section.contains(document.activeElement)) came.focus();
        section.hidden = true;
        resolve({ allowed, always: always || signal.aborted, answer: good ? field.value : answer });
      });
      return button;
    });
  byId("asked-body", HTMLElement).replaceChildren(
    el("p", {}, el("code", {}, name), " with ", el("code", {}, JSON.stringify(args) ?? "nothing")),
    field, el("div", { class: "choices" }, ...buttons), late);
  section.hidden = false;
  byId("said", HTMLElement).textContent = `The plugin asks for ${name}.`;
  // Who types in the editor meanwhile goes on typing, and answers nothing by the next space.
  if (came === document.body || came?.closest("#call")) buttons[0].focus();
  return promise;
}

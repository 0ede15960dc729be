// @ts-check
/** What a handler drew, as a page's `<pysandbox-plugin>` shows it; its buttons and forms call the plugin here. */
import { el } from "../dashboard/dom.js";
import { sandboxOrigin } from "./api.js";

/** @typedef {import("../demo/types.js").Outcome} Outcome */

/** @param {any} value */
export const mayBeDrawing = (value) => typeof value === "object" && value !== null && typeof value.kind === "string";

/**
 * @param {Outcome} outcome
 * @param {(handler: string, payload: unknown) => Promise<Outcome>} call
 */
export async function drawing(outcome, call) {
  await import(new URL("/pysandbox-element.js", sandboxOrigin).href);
  const element = /** @type {any} */ (document.createElement("pysandbox-plugin"));
  let first = true;
  const plugin = {
    invoke: (/** @type {string} */ handler, /** @type {unknown} */ payload) => {
      if (!first) return call(handler, payload);
      first = false;
      return Promise.resolve(outcome);
    },
    on: () => () => {},
    unload: () => Promise.resolve(),
  };
  const hint = el("p", { class: "hint" });
  element.addEventListener("failed", (/** @type {CustomEvent} */ { detail }) => {
    if (detail.code !== "UI_INVALID") return;
    hint.textContent = detail.message;
    element.remove();
  });
  element.plugin = "here";
  element.sandbox = { load: () => Promise.resolve(plugin) };
  return el("div", { class: "drawing" }, element, hint);
}

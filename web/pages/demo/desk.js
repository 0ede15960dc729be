// @ts-check
/** What happens with each message: masked first, then scored and summed up, and shown to the agent. */
import { say } from "./chat.js";
import { announce, el } from "./dom.js";
import { errorBlock } from "./outcome.js";
import { findingsView, maskedText, riskView, summaryView } from "./views.js";

/** @typedef {import("./slots.js").Slot} Slot */
/** @typedef {import("./chat.js").Author} Author */

const SUMMARY_SENTENCES = 3;

/** What the contact centre knows of the demo's customer. */
const ACCOUNT = {
  ageDays: 412,
  contactsLast7Days: 3,
  failedPaymentsLast30Days: 1,
  ordersLast90Days: 5,
  refundsLast90Days: 1,
};

export class Desk {
  /** @type {{ author: Author, text: string }[]} what plugins and agent may see: masked text */
  #conversation = [];
  /** @type {Promise<void>} messages are worked on one after the other, in the order they were sent */
  #queue = Promise.resolve();
  #slots;

  /** @param {{ risk: Slot, summary: Slot, redactor: Slot }} slots */
  constructor(slots) {
    this.#slots = slots;
  }

  /** @param {string} text */
  agentSays(text) {
    say("customer-log", "agent", text);
    say("agent-log", "agent", text);
    this.#queue = this.#queue.then(() => {
      this.#conversation.push({ author: "agent", text });
    });
  }

  /** @param {string} text */
  customerSays(text) {
    say("customer-log", "customer", text);
    const bubble = say("agent-log", "customer", el("span", { class: "empty" }, "Looking for personal data…"));
    this.#queue = this.#queue.then(() => this.#assist(text, bubble));
  }

  /**
   * @param {string} text
   * @param {HTMLElement} bubble
   */
  async #assist(text, bubble) {
    const masked = await this.#redact(text, bubble);
    const [risk, summary] = await Promise.all([this.#score(masked?.text ?? ""), this.#sumUp()]);
    announce(
      `Personal data: ${
        masked ? `${masked.count} masked` : "not masked, the message is withheld"
      }. Risk: ${risk}. Summary: ${summary}.`,
    );
  }

  /**
   * Shows the agent the masked text. When masking fails the text is withheld: nothing unmasked is ever shown.
   * @param {string} text
   * @param {HTMLElement} bubble
   * @returns {Promise<{ text: string, count: number } | null>} null when it is withheld
   */
  async #redact(text, bubble) {
    const { redactor } = this.#slots;
    redactor.card.busy();
    const outcome = await redactor.call("redact", { text });
    redactor.card.show(outcome, outcome.status === "ok" ? findingsView(outcome.value) : []);
    const masked = outcome.status === "ok" ? maskedText(text, outcome.value) : null;
    if (masked) {
      bubble.replaceChildren(...masked.nodes);
      this.#conversation.push({ author: "customer", text: masked.text });
      return masked;
    }
    const again = el("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => {
      bubble.classList.remove("withheld");
      bubble.replaceChildren(el("span", { class: "empty" }, "Looking for personal data…"));
      this.#queue = this.#queue.then(() => this.#assist(text, bubble));
    });
    bubble.classList.add("withheld");
    bubble.replaceChildren(
      el("p", {}, "Withheld: personal data in it could not be masked."),
      outcome.error ? errorBlock(outcome.error) : "",
      again,
    );
    return null;
  }

  /**
   * @param {string} message masked text; empty when there is none, and the score then rests on the account alone
   * @returns {Promise<string>}
   */
  async #score(message) {
    const { risk } = this.#slots;
    risk.card.busy();
    const outcome = await risk.call("evaluate", { customerId: "c-1", message, account: ACCOUNT, enrich: true });
    risk.card.show(outcome, outcome.status === "ok" ? riskView(outcome.value) : []);
    return outcome.error?.code ?? `${Math.round(Number(outcome.value?.score) * 100)} percent`;
  }

  /** @returns {Promise<string>} */
  async #sumUp() {
    const { summary } = this.#slots;
    summary.card.busy();
    const outcome = await summary.call("summarize", { messages: this.#conversation, maxSentences: SUMMARY_SENTENCES });
    summary.card.show(outcome, outcome.status === "ok" ? summaryView(outcome.value) : []);
    return outcome.error?.code ?? "updated";
  }
}

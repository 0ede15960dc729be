// @ts-check
/**
 * The demo page: a webchat beside an agent's desk, three plugins that help, and one that misbehaves on demand.
 *
 * Opened as /pages/demo.html#token=…&sandbox=https://sandbox-origin; the API is where the page came from.
 */
import { AlertLog } from "./demo/alerts.js";
import { openFromAddress, showBoot } from "./demo/boot.js";
import { composer } from "./demo/chat.js";
import { Desk } from "./demo/desk.js";
import { announce, byId } from "./demo/dom.js";
import { misbehave, MISBEHAVIOURS } from "./demo/incidents.js";
import { MenuButton } from "./demo/menu.js";
import { blockMainThread, FrameMeter } from "./demo/meter.js";
import { Slot } from "./demo/slots.js";

const BLOCK_MS = 1000;

/** The page's side of the permissions that the examples ask for. */
const CAPABILITIES = {
  "webchat:session:read": () => Promise.resolve({ tier: "gold", channel: "webchat", openTickets: 2 }),
};

const meter = new FrameMeter();
meter.start();

const alerts = new AlertLog();
const sandbox = openFromAddress({
  environment: "development",
  queue: "demo",
  locale: "en-GB",
  capabilities: CAPABILITIES,
  onSecurityAlert: (alert) => alerts.add(alert),
});

const slots = {
  risk: new Slot(sandbox, {
    title: "Risk score",
    ref: "com.vendor.risk-scoring",
    empty: "Scored with the customer’s next message.",
  }),
  summary: new Slot(sandbox, {
    title: "Summary",
    ref: "com.example.conversation-summary",
    empty: "Written from the customer’s next message on.",
  }),
  redactor: new Slot(sandbox, {
    title: "Personal data",
    ref: "com.example.pii-redactor",
    empty: "Looks for e-mail addresses, phone and card numbers and IBANs in each message.",
  }),
  hostile: new Slot(sandbox, {
    title: "Rogue plugin",
    ref: "com.example.misbehaving",
    empty: "Choose from the Misbehave menu what it shall do. It runs in a cell of its own.",
  }),
};
byId("cards", HTMLElement).append(...Object.values(slots).map((slot) => slot.card.node));
showBoot(sandbox, Object.values(slots).map((slot) => slot.loaded()));

const desk = new Desk(slots);
composer("customer-form", "message", (text) => desk.customerSays(text));
composer("agent-form", "reply", (text) => desk.agentSays(text));
for (const sample of byId("samples", HTMLElement).querySelectorAll("button")) {
  sample.addEventListener("click", () => desk.customerSays(sample.title));
}

byId("block", HTMLButtonElement).addEventListener("click", () => {
  blockMainThread(BLOCK_MS);
  announce("The page was blocked for one second: the meter shows it.");
});

new MenuButton(
  byId("misbehave", HTMLButtonElement),
  byId("misbehave-menu", HTMLUListElement),
  MISBEHAVIOURS,
  async (id) => announce(await misbehave(id, slots.hostile, meter, () => alerts.count)),
);

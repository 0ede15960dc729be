// The sandbox under attack, as its page sees it: opened when it is needed, made anew when an attack has hurt it.
import { text } from "./codes.js";

/** How many alerts one attacker's worker may cause before the next one gets a fresh one; its budget is 8. */
const FEW_ALERTS = 5;
const BOOT_MS = 30_000;
/** For a neighbour's call of a few milliseconds, on a machine that is very busy. */
export const NEIGHBOUR_MS = 8000;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Stage {
  constructor(plan) {
    this.plan = plan;
    /** Rules of the security alerts so far. */
    this.alerts = [];
    /** How often the page's own functions were called, by permission. */
    this.calls = {};
    this.sandbox = undefined;
    this.loaded = {};
  }

  /** The text of the attack's code; `half` and slug are in its addresses, for the listener to tell them apart. */
  code(attack, half) {
    const { http, quic } = this.plan;
    return text(attack.code, {
      http: `${http}/${half}`,
      ws: `${http.replace("http", "ws")}/${half}`,
      quic: quic[half][attack.slug] ?? "",
      slug: attack.slug,
      channel: `pysandbox-${half}`,
    });
  }

  async open() {
    if (this.sandbox) return this.sandbox;
    const { openSandbox } = await import(`${this.plan.sandboxOrigin}/pysandbox.js`);
    const counted = (name) => (args, call) => {
      this.calls[name] = (this.calls[name] ?? 0) + 1;
      return { name, args, pluginId: call.pluginId };
    };
    this.sandbox = await openSandbox({
      origin: this.plan.sandboxOrigin,
      sessionToken: this.plan.token,
      bootTimeoutMs: BOOT_MS,
      environment: "attack",
      queue: "default_support_queue",
      capabilities: Object.fromEntries(this.plan.provided.map((name) => [name, counted(name)])),
      onSecurityAlert: (alert) => this.alerts.push(alert.rule || alert.code),
    });
    return this.sandbox;
  }

  async load(key) {
    const plugin = await (await this.open()).load(key);
    const loaded = { plugin, heard: [], from: this.alerts.length, hurt: false };
    for (const kind of ["event", "progress", "log"]) {
      plugin.on(kind, (detail) => loaded.heard.push({ kind, detail, at: performance.now() }));
    }
    return loaded;
  }

  /** An attacker with room in its budget; `fresh`: one that nobody used. */
  async attacker({ fresh = false } = {}) {
    const used = this.loaded.attacker;
    if (used && (fresh || used.hurt || this.alerts.length - used.from > FEW_ALERTS)) await this.drop();
    this.loaded.attacker ??= await this.load(this.plan.attacker);
    return this.loaded.attacker;
  }

  async witness() {
    return this.loaded.witness ??= await this.load(this.plan.witness);
  }

  async drop() {
    const { attacker } = this.loaded;
    delete this.loaded.attacker;
    await attacker?.plugin.unload().catch(() => {});
  }

  /** Whether the other plugin answers in time; if not, the sandbox is made anew. */
  async neighbourIsWell() {
    const witness = await this.witness();
    const outcome = await witness.plugin.invoke("echo", "well", { timeoutMs: NEIGHBOUR_MS });
    const well = outcome.status === "ok" && outcome.value === "well";
    if (!well) await this.close();
    return well;
  }

  /** An invocation of the attacker's that has to end well for the attack to have been made. */
  async value(handler, payload, options = {}) {
    const attacker = await this.attacker(options);
    const outcome = await attacker.plugin.invoke(handler, payload);
    if (outcome.status !== "ok") {
      attacker.hurt = true;
      throw Object.assign(new Error(outcome.error.message), { code: outcome.error.code });
    }
    return outcome.value;
  }

  async close() {
    const { sandbox } = this;
    this.sandbox = undefined;
    this.loaded = {};
    await sandbox?.close().catch(() => {});
  }
}

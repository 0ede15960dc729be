// @ts-check
/** The dashboard: asks the gateway every few seconds and draws what it says. */
import { ask, Refused, token } from "./api.js";
import { chart, short } from "./chart.js";
import { byId, el, formatMs } from "./dom.js";
import { Tail } from "./tail.js";
import { showTrace } from "./trace.js";

const EVERY_MS = 10_000;
const GROUPS = { plugin: "Plugin", vendor: "Vendor", queue: "Queue", environment: "Environment", context: "Context" };
const SLOWEST = 5;

const state = { by: "plugin", minutes: 60, only: "" };
const tail = new Tail(showTrace);
let timer = 0;
let asked = 0;

byId("sign-in", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token", HTMLInputElement);
  token.set(field.value.trim());
  field.value = "";
  refresh();
});
byId("sign-in-now", HTMLButtonElement).disabled = false; // before, the browser would have sent the form itself
byId("sign-out", HTMLButtonElement).addEventListener("click", () => leave(""));
for (const name of /** @type {const} */ (["by", "minutes"])) {
  const field = byId(name, HTMLSelectElement);
  field.addEventListener("change", () => {
    if (name === "by") state.by = field.value;
    else state.minutes = Number(field.value);
    state.only = "";
    refresh();
  });
}
byId("all", HTMLButtonElement).addEventListener("click", () => choose(""));
byId("trace-close", HTMLButtonElement).addEventListener("click", () => byId("trace", HTMLDialogElement).close());
document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : token.get() && refresh());
if (token.get()) refresh();

/** @param {string} why */
function leave(why) {
  clearTimeout(timer);
  tail.stop();
  token.forget();
  byId("signed-in", HTMLElement).hidden = true;
  byId("sign-out", HTMLElement).hidden = true;
  byId("sign-in", HTMLElement).hidden = false;
  byId("said", HTMLElement).textContent = why;
  byId("token", HTMLInputElement).focus();
}

/** @param {string} key */
function choose(key) {
  state.only = key;
  refresh();
}

async function refresh() {
  clearTimeout(timer);
  const turn = ++asked;
  const { by, minutes, only } = state;
  const where = only ? { [by]: only } : {};
  try {
    const [health, series, firing, alerts, resting, deploys] = await Promise.all([
      ask("telemetry/health", { by, minutes }),
      ask("telemetry/series", { minutes, ...where }),
      ask("telemetry/alerts"),
      ask("telemetry/records", { kind: "alert", limit: 50 }),
      ask("breakers"),
      ask("audit", { limit: 100 }).catch(() => ({ entries: [] })), // that scope is another one
    ]);
    if (turn !== asked) return;
    byId("sign-in", HTMLElement).hidden = true;
    byId("signed-in", HTMLElement).hidden = false;
    byId("sign-out", HTMLElement).hidden = false;
    byId("said", HTMLElement).textContent = "";
    drawGlance(health.groups, firing.alerts);
    drawGroups(health.groups);
    drawCharts(series, firing, deploys.entries ?? []);
    drawWorst(health.groups);
    drawResting(resting.breakers);
    drawAlerts(firing.alerts, alerts.records);
    tail.start();
  } catch (error) {
    if (turn !== asked) return;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) return leave(error.message);
    byId("said", HTMLElement).textContent = `Not up to date: ${error instanceof Error ? error.message : error}`;
  }
  if (!document.hidden) timer = setTimeout(refresh, EVERY_MS);
}

/** @param {Record<string, any>} groups @param {any[]} firing */
function drawGlance(groups, firing) {
  const all = Object.values(groups);
  const sum = (/** @type {string} */ name) => all.reduce((total, group) => total + group[name], 0);
  const count = sum("count");
  const slowest = Math.max(0, ...all.map((group) => group.p95Ms ?? 0));
  const alerts = all.reduce((total, group) => total + alertsOf(group), 0);
  /** @type {[string, string, boolean][]} */
  const cards = [
    ["Invocations", short(count), false],
    ["Failed", count ? `${(100 * sum("failed") / count).toFixed(1)} %` : "–", count > 0 && sum("failed") / count > 0.05],
    ["Highest p95", slowest ? formatMs(slowest) : "–", slowest > 2000],
    ["Killed", short(sum("killed")), sum("killed") > 0],
    ["Security alerts", short(alerts), alerts > 0],
    ["Alerts firing", short(firing.length), firing.length > 0],
  ];
  byId("glance", HTMLElement).replaceChildren(...cards.map(([name, value, bad]) =>
    el("div", { class: bad ? "card bad" : "card" }, el("dt", {}, name), el("dd", {}, value))));
}

/** @param {any} group @returns {number} */
function alertsOf(group) {
  return Object.values(group.alerts).reduce((/** @type {number} */ total, count) => total + Number(count), 0);
}

/** @param {Record<string, any>} groups */
function drawGroups(groups) {
  const names = Object.keys(groups).sort((a, b) =>
    groups[b].errorRate - groups[a].errorRate || groups[b].count - groups[a].count);
  const by = GROUPS[/** @type {keyof typeof GROUPS} */ (state.by)];
  byId("by-name", HTMLElement).textContent = by;
  for (const one of document.querySelectorAll(".by-what")) one.textContent = `, by ${by.toLowerCase()}`;
  byId("groups", HTMLElement).replaceChildren(...names.map((name) => {
    const group = groups[name];
    const choice = el("button", { type: "button", class: "link", "aria-pressed": state.only === name }, name || "none");
    choice.addEventListener("click", () => choose(state.only === name ? "" : name));
    const cells = [
      short(group.count), `${(100 * group.errorRate).toFixed(1)} %`, ms(group.p50Ms), ms(group.p95Ms), ms(group.p99Ms),
      group.memoryMB === null ? "–" : `${short(group.memoryMB)} MB`, short(group.killed), short(alertsOf(group)),
    ];
    return el("tr", { class: group.errorRate > 0.05 ? "bad" : "" }, el("th", { scope: "row" }, choice),
      ...cells.map((cell) => el("td", {}, cell)));
  }));
  byId("groups-none", HTMLElement).hidden = names.length > 0;
  byId("all", HTMLElement).hidden = !state.only;
  byId("all", HTMLElement).textContent = `Show all, not only ${state.only}`;
}

/** @param {number | null} value */
const ms = (value) => value === null ? "–" : formatMs(value);

/** @param {any} series @param {{ alerts: any[], ended: any[] }} alerts @param {any[]} audit */
function drawCharts({ stepS, points }, { alerts, ended }, audit) {
  const until = Date.now() / 1000;
  /** @type {[number, number]} */
  const span = [until - state.minutes * 60, until];
  const times = points.map((/** @type {any} */ point) => Math.max(point.at, span[0]));
  const of = (/** @type {(point: any) => number | null} */ value) => points.map(value);
  const marks = [
    ...audit.filter((entry) => /^plugin\.(enabled|disabled|blocked)$/.test(entry.action)).map((entry) =>
      ({ at: entry.at / 1000, text: `${entry.action} ${entry.target}` })),
    ...[...alerts, ...ended].map((alert) => ({ at: alert.since, text: `alert ${alert.rule} ${alert.group}` })),
    ...ended.map((alert) => ({ at: alert.until, text: `end of alert ${alert.rule} ${alert.group}` })),
  ].filter((mark) => mark.at >= span[0]);
  byId("charts", HTMLElement).replaceChildren(
    chart("Invocations", `a minute, by ${stepS / 60} min`, times, [
      { name: "all", values: of((point) => point.perMinute) },
      { name: "failed", values: of((point) => point.failed * 60 / stepS) },
    ], span, marks),
    chart("Latency", "ms", times, [
      { name: "average", values: of((point) => point.averageMs) },
      { name: "p95", values: of((point) => point.p95Ms) },
    ], span, marks),
    chart("Memory", "MB", times, [{ name: "p95", values: of((point) => point.memoryMB) }], span, marks),
  );
  byId("marks", HTMLElement).textContent = marks.length
    ? `Marked: ${marks.slice(0, 8).map((mark) => mark.text).join(", ")}`
    : "";
}

/** @param {Record<string, any>} groups */
function drawWorst(groups) {
  const names = Object.keys(groups).filter((name) => groups[name].count);
  const list = (/** @type {string} */ id, /** @type {(group: any) => number} */ by, /** @type {(group: any) => string} */ text) =>
    byId(id, HTMLElement).replaceChildren(...names.filter((name) => by(groups[name]) > 0)
      .sort((a, b) => by(groups[b]) - by(groups[a])).slice(0, SLOWEST)
      .map((name) => el("li", {}, el("span", {}, name || "none"), el("b", {}, text(groups[name])))),
    );
  list("slowest", (group) => group.p95Ms ?? 0, (group) => `p95 ${ms(group.p95Ms)}`);
  list("failing", (group) => group.errorRate, (group) =>
    `${(100 * group.errorRate).toFixed(1)} % · ${mostCommon(group.codes)}`);
  list("resting", (group) => group.codes.BREAKER_OPEN ?? group.codes.PLUGIN_CRASH_LOOP ?? 0, (group) =>
    `${(group.codes.BREAKER_OPEN ?? 0) + (group.codes.PLUGIN_CRASH_LOOP ?? 0)} calls refused`);
}

/** @param {{ kind: string, name: string, state: string, retryInMs: number }[]} breakers */
function drawResting(breakers) {
  const states = { open: "open", "half-open": "half-open: being tried" };
  byId("breakers", HTMLElement).replaceChildren(...breakers.map(({ kind, name, state, retryInMs }) =>
    el("li", { class: "bad" }, el("span", {}, kind === "route" ? `route ${name}` : `${name} in flows`),
      el("b", {}, retryInMs ? `open, tried in ${formatMs(retryInMs)}` : states[/** @type {keyof typeof states} */ (state)]))));
}

/** @param {Record<string, number>} codes */
const mostCommon = (codes) => Object.keys(codes).sort((a, b) => codes[b] - codes[a])[0] ?? "";

/** @param {any[]} firing @param {any[]} records */
function drawAlerts(firing, records) {
  byId("firing", HTMLElement).replaceChildren(...firing.map((alert) =>
    el("li", { class: "bad" }, el("b", {}, String(alert.rule)), ` ${alert.group} `,
      el("small", {}, `${alert.value} since ${new Date(alert.since * 1000).toLocaleString()}`))));
  byId("firing-none", HTMLElement).hidden = firing.length > 0;
  byId("security", HTMLElement).replaceChildren(...records.slice(-20).reverse().map((record) => {
    const open = el("button", { type: "button", class: "link" }, record.correlationId || "no trace");
    open.disabled = !record.correlationId;
    open.addEventListener("click", () => showTrace(record.correlationId));
    return el("tr", {}, el("td", {}, record.timestamp.slice(0, 19).replace("T", " ")), el("td", {}, record.pluginId),
      el("td", {}, record.alert?.code ?? ""), el("td", {}, record.alert?.rule ?? ""),
      el("td", { class: "hash" }, record.alert?.evidence ?? ""), el("td", {}, open));
  }));
  byId("security-none", HTMLElement).hidden = records.length > 0;
}

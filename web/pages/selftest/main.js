// @ts-check
/**
 * The self-test: tries each wall in the window that it is opened in, one after the other, and says what came of it.
 *
 * Opened as /selftest, or as /selftest#token=… to begin at once. `globalThis.selftest` is the report when it is there.
 */
import { lodge } from "./lodging.js";
import { insideWalls } from "./inside.js";
import { shellWalls } from "./shell.js";

/** @typedef {{ held: boolean | null, said: string }} Seen `held` null: it cannot be told. */
/** @typedef {{ wall: string, take: () => Promise<Seen> | Seen }} Wall */

const form = /** @type {HTMLFormElement} */ (document.getElementById("begin"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("token"));
const said = /** @type {HTMLElement} */ (document.getElementById("said"));
const table = /** @type {HTMLTableElement} */ (document.getElementById("walls"));
const report = /** @type {HTMLElement} */ (document.getElementById("report"));
/** @type {{ wall: string, held: boolean | null, said: string }[]} */
const rows = [];

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin(field.value.trim());
});
/** @type {HTMLButtonElement} */ (document.getElementById("begin-now")).disabled = false;
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) begin(given);

/** @param {string} token */
async function begin(token) {
  form.hidden = true;
  table.hidden = false;
  const about = await (await fetch("selftest/about.json", { cache: "no-store" })).json();
  await all(shellWalls(about));
  said.textContent = "Registering the plugin that attacks…";
  let lodging;
  try {
    lodging = await lodge(about, token);
    await all(insideWalls(about, token, lodging.key));
  } catch (error) {
    show({ wall: "The attacks inside of the sandbox", held: null, said: textOf(error) });
  } finally {
    for (const problem of await lodging?.remove() ?? []) show({ wall: "The attacking plugin is gone again", held: false, said: problem });
  }
  end();
}

/** @param {AsyncIterable<Wall> | Iterable<Wall>} walls */
async function all(walls) {
  for await (const { wall, take } of walls) {
    said.textContent = `Trying: ${wall}…`;
    try {
      show({ wall, ...await take() });
    } catch (error) {
      show({ wall, held: null, said: textOf(error) });
    }
  }
}

/** @param {{ wall: string, held: boolean | null, said: string }} row */
function show(row) {
  rows.push(row);
  const verdict = row.held === null ? "not told" : row.held ? "held" : "MISSING";
  const cells = [["th", row.wall], ["td", verdict], ["td", row.said]].map(([tag, text]) => {
    const cell = document.createElement(tag);
    cell.textContent = text;
    return cell;
  });
  cells[0].setAttribute("scope", "row");
  if (row.held !== null) cells[1].className = row.held ? "held" : "missing";
  table.tBodies[0].insertRow().append(...cells);
}

function end() {
  const missing = rows.filter(({ held }) => held === false).length;
  const untold = rows.filter(({ held }) => held === null).length;
  const held = rows.length - missing - untold;
  said.textContent = `${held} walls held, ${missing} ${missing === 1 ? "is" : "are"} missing, ${untold} cannot be told from here.`;
  const told = { at: new Date().toISOString(), userAgent: navigator.userAgent, page: location.origin, held, missing, untold, rows };
  const text = /** @type {HTMLTextAreaElement} */ (report.querySelector("textarea"));
  text.value = JSON.stringify(told, null, 1);
  report.hidden = false;
  Object.assign(globalThis, { selftest: told });
}

/** @param {any} error */
function textOf(error) {
  return error?.code ? `${error.code}: ${error.message}` : String(error?.message ?? error);
}

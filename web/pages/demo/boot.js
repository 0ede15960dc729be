// @ts-check
/** From the page's address to an open sandbox, with what a person sees meanwhile and when it fails. */
import { byId, el, formatMs } from "./dom.js";
import { codedError, errorBlock } from "./outcome.js";

/** @typedef {import("./types.js").Client} Client */
/** @typedef {import("./types.js").Sandbox} Sandbox */

/**
 * Reads the address, loads the page client from the sandbox's origin and opens the sandbox.
 * @param {Partial<import("./types.js").SandboxOptions>} options what openSandbox gets beside origin and token
 * @returns {Promise<Sandbox>}
 */
export async function openFromAddress(options) {
  const given = new URLSearchParams(location.hash.slice(1));
  const sessionToken = given.get("token");
  const origin = given.get("sandbox");
  if (!sessionToken || !origin) {
    throw coded("NO_TOKEN", `The address of this page lacks ${sessionToken ? "the sandbox" : "the token"}.`);
  }
  const { openSandbox } = await importClient(origin);
  return await openSandbox({ origin, sessionToken, ...options });
}

/**
 * @param {string} code
 * @param {string} message
 */
const coded = (code, message) => Object.assign(new Error(message), { code });

/**
 * @param {string} origin
 * @returns {Promise<Client>}
 */
async function importClient(origin) {
  try {
    return await import(new URL("/pysandbox.js", origin).href);
  } catch (problem) {
    throw coded("CLIENT_UNREACHABLE", `pysandbox.js could not be loaded from ${origin}: ${problem}`);
  }
}

/**
 * Shows the way to ready, step by step: the sandbox, then each plugin.
 * @param {Promise<Sandbox>} sandbox
 * @param {Promise<boolean>[]} plugins each resolves to whether it loaded
 */
export async function showBoot(sandbox, plugins) {
  const started = performance.now();
  const progress = byId("boot-progress", HTMLProgressElement);
  progress.max = plugins.length + 1;
  try {
    await sandbox;
  } catch (reason) {
    state("bad", "The sandbox did not start");
    showFailure(codedError(reason));
    return;
  }
  let ready = 0;
  const step = () => {
    progress.value = 1 + ready;
    state("wait", `Loading plugins: ${ready} of ${plugins.length}`);
  };
  step();
  await Promise.all(plugins.map(async (plugin) => {
    if (await plugin) ready += 1;
    step();
  }));
  byId("boot", HTMLElement).dataset.state = "done";
  const took = formatMs(performance.now() - started);
  if (ready === plugins.length) state("good", `Ready in ${took}`);
  else state("bad", `${ready} of ${plugins.length} plugins loaded`);
}

/**
 * @param {"wait" | "good" | "bad"} level
 * @param {string} text
 */
function state(level, text) {
  byId("boot-dot", HTMLElement).dataset.state = level;
  byId("boot-text", HTMLElement).textContent = text;
  byId("boot-progress", HTMLProgressElement).hidden = level === "bad";
}

/** @param {import("./types.js").CodedError} error */
function showFailure(error) {
  const banner = byId("banner", HTMLElement);
  if (error.code === "NO_TOKEN") {
    banner.replaceChildren(
      el("p", { class: "lead" }, "This page is opened by the development server."),
      el("p", {}, `${error.message} In the project’s folder, run`),
      el("pre", {}, "make demo"),
      el("p", {}, "and open the address that it prints: it carries a token that only your terminal knows."),
    );
  } else {
    const again = el("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => location.reload());
    banner.replaceChildren(el("p", { class: "lead" }, "The sandbox did not start."), errorBlock(error), again);
  }
  banner.hidden = false;
}

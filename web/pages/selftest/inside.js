// @ts-check
/** What a hostile plugin tries, from inside of its worker. It says what it got; a page's own look decides where it can. */

const ROADS = ["js_fetch", "js_xhr", "js_websocket", "pyfetch", "urllib", "http_client", "socket", "asyncio", "emscripten_wget"];
const LOOP_MS = 2500;
const ENDS_MS = 5000;
const STILL_MS = 2000; // less than the loop: else the page hangs with the plugin
const MOST_AGAIN = 3;
const DENIED = "webchat:session:write";

/**
 * @param {{ sandboxOrigin: string }} about
 * @param {string} token
 * @param {string} key the attacking plugin
 * @returns {AsyncGenerator<import("./main.js").Wall>}
 */
export async function* insideWalls({ sandboxOrigin }, token, key) {
  /** @type {any} */
  let sandbox;
  /** @type {any} */
  let attacker;
  let called = 0;
  let again = 0;
  yield {
    wall: "The sandbox opens: a cell has proved its opaque origin, and that it can neither connect nor evaluate",
    take: async () => {
      const { openSandbox } = await import(`${sandboxOrigin}/pysandbox.js`);
      sandbox = await openSandbox({ sessionToken: token, capabilities: { [DENIED]: () => ++called } });
      attacker = await sandbox.load(key);
      return { held: true, said: `${attacker.pluginId} ${attacker.version} is loaded` };
    },
  };
  if (!attacker) return;
  const value = async (/** @type {string} */ handler, /** @type {unknown} */ payload) => {
    const outcome = await attacker.invoke(handler, payload);
    if (outcome.status !== "ok") throw outcome.error;
    return outcome.value;
  };
  yield {
    wall: "The page cannot look into the sandbox's frame",
    take: () => {
      const frame = /** @type {HTMLIFrameElement | null} */ (document.querySelector("iframe[title=pysandbox]"));
      return { held: frame?.contentDocument === null, said: frame?.contentDocument ? "its document can be read" : "it is closed" };
    },
  };
  yield {
    wall: "Inside, text does not become code",
    take: async () => {
      const tries = await value("evaluate", { expression: "6 * 7" });
      const open = tries.filter((/** @type {any} */ one) => one.result === "open");
      return { held: open.length === 0, said: open.length ? `${open[0].by}: ${open[0].said}` : `${tries.length} roads, each refused` };
    },
  };
  yield {
    wall: "Inside, nothing of the browser's can be reached from Python's heap",
    take: async () => {
      const found = await value("crawl", null);
      return { held: found.length === 0, said: found.join(" ") || "nothing was found" };
    },
  };
  yield {
    wall: "Inside, there is no road to the network",
    take: async () => {
      const open = [];
      for (const name of ROADS) {
        if ((await value("road", { name, url: `${sandboxOrigin}/cell-proof` })).startsWith("open")) open.push(name);
      }
      return { held: open.length === 0, said: open.join(" ") || `${ROADS.length} roads, each refused` };
    },
  };
  yield {
    wall: "The session's token is not in the plugin's memory",
    take: async () => {
      const count = await value("search", await digest(token));
      return { held: count === 0, said: `it is there ${count} times` };
    },
  };
  yield {
    wall: "A permission that was not declared is denied, though the page would give it",
    take: async () => {
      const { error } = await attacker.invoke("ask", DENIED);
      return { held: called === 0 && error?.code === "PERMISSION_DENIED", said: error?.code ?? "the call went through" };
    },
  };
  yield {
    wall: "What a plugin leaves behind is gone with its worker",
    take: async () => {
      await value("leave", "left");
      await attacker.unload();
      attacker = await sandbox.load(key);
      const found = await value("find", null);
      return { held: found === "", said: found || "nothing was found" };
    },
  };
  for (const [how, name] of [["spin", "a loop in Python"], ["regex", "a loop in C, which sees no interrupt"]]) {
    yield {
      wall: `In time an end is made of ${name}, and the page goes on meanwhile`,
      take: async () => {
        const gap = longestGap();
        let startedAt, outcome;
        do { // on a busy machine the worker of the loop before may die under this call, which is told so
          startedAt = performance.now();
          outcome = await attacker.invoke("hold", { how }, { timeoutMs: LOOP_MS });
        } while (outcome.status === "killed" && outcome.error.retryable && ++again < MOST_AGAIN);
        const took = performance.now() - startedAt;
        const still = gap();
        const held = outcome.status === "timeout" && took < LOOP_MS + ENDS_MS && still < STILL_MS;
        return { held, said: `${outcome.status} after ${Math.round(took)} ms (${LOOP_MS} were given); the page stood still for ${Math.round(still)} ms` };
      },
    };
  }
  yield {
    wall: "After all that the plugin's next worker answers",
    take: async () => ({ held: await value("echo", "well") === "well", said: "it does" }),
  };
  await sandbox.close();
  yield {
    wall: "Each plugin has a process of its own",
    take: () => ({ held: null, said: "no page can see this: look at the processes, and at the browser's row of Supported browsers" }),
  };
  yield {
    wall: "The headers of the sandbox's answers arrive as they were sent",
    take: () => ({ held: null, said: "no page may read them: `pysandbox attack` does" }),
  };
}

/** @param {string} text */
async function digest(text) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return { sha256: [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join(""), chars: text.length };
}

/** @returns {() => number} the longest time, in ms, in which this page got no turn */
function longestGap() {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 20);
  return () => {
    clearInterval(timer);
    return Math.max(longest, performance.now() - last);
  };
}

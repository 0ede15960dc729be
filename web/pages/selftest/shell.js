// @ts-check
/** What can be seen of the window around the page: whether it weakens the engine, or gives frames what is the page's alone. */

const PATIENCE_MS = 5000;
const ASKED = ["geolocation", "notifications", "camera", "microphone"];

/**
 * @param {{ sandboxOrigin: string }} about
 * @returns {import("./main.js").Wall[]}
 */
export function shellWalls({ sandboxOrigin }) {
  return [
    {
      wall: "The page is at an address that browsers call secure",
      take: () => ({ held: isSecureContext && /^https?:$/.test(location.protocol), said: location.origin }),
    },
    {
      wall: "The page's policy is in force: text does not become code",
      take: () => {
        try {
          return { held: new Function("return 6 * 7")() !== 42, said: "the page evaluated text in spite of its policy" };
        } catch (error) {
          return { held: true, said: String(error).slice(0, 160) };
        }
      },
    },
    {
      wall: "Answers of another origin stay closed to the page",
      take: () =>
        fetch(`${sandboxOrigin}/host.html`, { credentials: "omit" }).then(
          () => ({ held: false, said: "an answer of the sandbox's origin could be read: web security is off" }),
          (error) => ({ held: true, said: String(error).slice(0, 160) }),
        ),
    },
    { wall: "No native bridge in inner frames", take: async () => none(await inFrame()) },
    { wall: "No native bridge in workers", take: async () => none(await inWorker()) },
    { wall: "The window does not say yes to every wish of a page", take: permissions },
  ];
}

/** @param {string[]} bridges */
function none(bridges) {
  return { held: bridges.length === 0, said: bridges.length ? `there is ${bridges.join(", ")}` : "none is there" };
}

/** @returns {Promise<string[]>} */
function inFrame() {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.hidden = true;
  frame.src = "selftest/frame.html";
  return inTime((resolve) => {
    addEventListener("message", function hear({ source, data }) {
      if (source !== frame.contentWindow) return;
      removeEventListener("message", hear);
      resolve(data.bridges);
    });
    document.body.append(frame);
  }, "the frame (does the window refuse /selftest/frame.html inside of the page?)").finally(() => frame.remove());
}

/** @returns {Promise<string[]>} */
function inWorker() {
  const worker = new Worker("selftest/worker.js");
  return inTime((resolve) => worker.onmessage = ({ data }) => resolve(data), "the worker").finally(() => worker.terminate());
}

async function permissions() {
  const states = await Promise.all(ASKED.map(async (name) => {
    try {
      return [name, (await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) })).state];
    } catch {
      return [name, "unknown"];
    }
  }));
  const granted = states.filter(([, state]) => state === "granted");
  const known = states.filter(([, state]) => state !== "unknown");
  const said = states.map(([name, state]) => `${name}: ${state}`).join(", ");
  return { held: known.length ? granted.length === 0 : null, said };
}

/**
 * @template T
 * @param {(resolve: (value: T) => void) => void} begin
 * @param {string} who
 * @returns {Promise<T>}
 */
function inTime(begin, who) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${who} did not answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
    begin(resolve);
  });
}

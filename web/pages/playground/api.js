// @ts-check
/** What the page asks of `pysandbox dev`: by a token of its own, which came in the page's address. */

const KEPT = "pysandbox-playground"; // for a reload of this tab: the address no longer has them then

if (location.hash.length > 1) {
  sessionStorage.setItem(KEPT, location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
const given = new URLSearchParams(sessionStorage.getItem(KEPT) ?? "");

/** What the sandbox is opened with; empty where the page was not opened by the address that was printed. */
export const sandboxOrigin = given.get("sandbox") ?? "";
export const sessionToken = given.get("token") ?? "";

/**
 * One question. Rejects with a coded error.
 * @param {string} path
 * @param {{ method?: string, body?: unknown }} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, { method = "GET", body } = {}) {
  const headers = { authorization: `Bearer ${given.get("dev") ?? ""}`, "content-type": "application/json" };
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(`/playground/${path}`, {
      method, headers, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw Object.assign(new Error("pysandbox dev does not answer: is it still running in its terminal?"), {
      code: "UNREACHABLE",
    });
  }
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error.message), told.error);
  return told;
}

/** @param {string} name a file's */
export const fileAt = (name) => `files/${name.split("/").map(encodeURIComponent).join("/")}`;

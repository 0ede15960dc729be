// @ts-check
/** What the dashboard asks the gateway, with the operator's token. */

const KEPT = "pysandbox-dashboard-token";

export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The token lives as long as the tab. */
export const token = {
  get: () => sessionStorage.getItem(KEPT) ?? "",
  /** @param {string} text */
  set: (text) => sessionStorage.setItem(KEPT, text),
  forget: () => sessionStorage.removeItem(KEPT),
};

/**
 * @param {string} path below /api/v2/
 * @param {Record<string, string | number>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function ask(path, query = {}, signal) {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await fetch(`api/v2/${path}?${search}`, {
    headers: { authorization: `Bearer ${token.get()}` },
    credentials: "omit",
    signal: signal ?? AbortSignal.timeout(20_000),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body?.error?.message ?? `the gateway answered ${answer.status}`);
  return body;
}

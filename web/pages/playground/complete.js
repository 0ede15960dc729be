// @ts-check
/** What can follow `ctx.` in a plugin: a test holds the list to the API. */

/** @type {readonly string[]} */
export const NAMES = [
  "cache.delete(", "cache.get(", "cache.set(", "call(", "correlation_id", "emit(", "environment", "locale", "log.debug(",
  "log.error(", "log.info(", "log.warning(", "permissions", "plugin_id", "progress(", "proxy.delete(", "proxy.get(",
  "proxy.patch(", "proxy.post(", "proxy.put(", "queue", "remaining_ms", "set_interval(", "set_timeout(", "signal.aborted",
  "signal.throw_if_aborted()", "sleep(",
];

/**
 * What `text`, up to the caret, can go on with: the names that fit, and what they all go on with.
 * @param {string} text
 * @returns {{ names: string[], rest: string }}
 */
export function completed(text) {
  const begun = /\bctx\.([a-z_.]*)$/.exec(text)?.[1];
  const names = begun === undefined ? [] : NAMES.filter((name) => name.startsWith(begun) && name !== begun);
  if (!names.length || begun === undefined) return { names: [], rest: "" };
  let common = names[0];
  while (!names.every((name) => name.startsWith(common))) common = common.slice(0, -1);
  return { names, rest: common.slice(begun.length) };
}

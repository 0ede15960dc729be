// @ts-check
/** The plugin that attacks, as one of the deployment: there for the time of the test, gone afterwards. */

const PLUGINS = "api/v2/plugins";

/**
 * @param {{ manifest: any, bundle: string }} about
 * @param {string} token
 * @returns {Promise<{ key: string, remove: () => Promise<string[]> }>} `remove` says what it could not do
 */
export async function lodge({ manifest, bundle }, token) {
  const attacker = manifest.pluginId;
  const plugin = `${attacker}@${manifest.version}`;
  const at = `${PLUGINS}/${encodeURIComponent(attacker)}/versions/${encodeURIComponent(manifest.version)}`;
  const told = await ask("POST", PLUGINS, token, { manifest, bundle });
  if (told === null) return { key: attacker, remove: () => Promise.resolve([]) }; // a server of folders: it has it, or not
  const remove = async () => {
    try {
      await ask("PATCH", at, token, { state: "disabled" });
      await ask("DELETE", at, token);
      return [];
    } catch (error) {
      return [`${error}; remove it: pysandbox plugin disable ${plugin}; pysandbox plugin remove ${plugin}`];
    }
  };
  try {
    await ask("PUT", `${at}/grant`, token, { permissions: told.permissions, identity: told.identity });
    await ask("PATCH", at, token, { state: "enabled" });
  } catch (error) {
    await remove();
    throw error;
  }
  return { key: plugin, remove };
}

/**
 * The answer's JSON; null where the server has no registry.
 * @param {string} method
 * @param {string} path
 * @param {string} token
 * @param {unknown} [body]
 */
async function ask(method, path, token, body) {
  const answer = await fetch(path, {
    method,
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    credentials: "omit",
    signal: AbortSignal.timeout(20_000),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 404 || answer.status === 405) return null;
  if (!answer.ok) throw new Error(`${method} ${path}: ${told.error?.code ?? answer.status} ${told.error?.message ?? ""}`);
  return told;
}

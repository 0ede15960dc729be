// @ts-check
/** The desktop's page: opens the sandbox, and lets plugins ask the native side for what they were granted. */

/** @type {any} what Qt puts into this page alone */
const { QWebChannel, qt } = globalThis;
const native = await new Promise((resolve) => new QWebChannel(qt.webChannelTransport, (channel) => resolve(channel.objects.native)));
const state = /** @type {HTMLElement} */ (document.getElementById("state"));
const { token, origin } = JSON.parse(await native.session());
const { openSandbox } = await import(`${origin}/pysandbox.js`);

try {
  const sandbox = await openSandbox({
    sessionToken: token,
    environment: "dev",
    bootTimeoutMs: 40_000,
    capabilities: {
      // A permission is a native function: the plugin asks the page, the page asks the desktop, which decides.
      "webchat:session:read": async (_args, { pluginId }) => JSON.parse(await native.read(pluginId)),
    },
  });
  const plugin = await sandbox.load("com.vendor.risk-scoring");
  const message = "Third time I write: my card was charged twice, this is a complaint!";
  const { status, value, error } = await plugin.invoke("evaluate", { customerId: "c-1", message }, { timeoutMs: 2500 });
  state.textContent = status === "ok" ? `Risk ${value.band} (${value.score})` : `No score: ${error?.code}`;
  native.finished(JSON.stringify({ status, value, error }));
} catch (problem) {
  state.textContent = String(problem);
  native.finished(JSON.stringify({ status: "failed", error: String(problem) }));
}

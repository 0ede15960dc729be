// One page for a long session. `soak.batch` runs invocations, a few beside each other, and tells all that the page was
// told meanwhile: outcomes, telemetry records, the plugin's own count, its states, alerts.
let plugin;
let told = nothing();

function nothing() {
  return { outcomes: [], records: [], seen: [], drains: [], crashes: [], alerts: [] };
}

function options(kind) {
  if (kind === "overruns") return { timeoutMs: 50 };
  if (kind !== "aborted") return {};
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 10);
  return { signal: controller.signal };
}

const handlers = { works: "works", fails: "fails", aborted: "waits", overruns: "waits", hoards: "hoards" };

globalThis.soak = {
  async open({ origin, token }) {
    const { openSandbox } = await import(`${origin}/pysandbox.js`);
    const sandbox = await openSandbox({
      origin,
      sessionToken: token,
      environment: "test",
      queue: "soak",
      locale: "en-GB",
      capabilities: {},
      onTelemetry: ({ correlationId, status, errorCode }) => told.records.push([correlationId, status, errorCode]),
      onSecurityAlert: (alert) => told.alerts.push(alert),
    });
    plugin = await sandbox.load("com.example.soak@1.0.0");
    plugin.on("event", ({ data }) => told.seen.push(data));
    plugin.on("state", ({ state, reason, generation }) => {
      if (state === "draining") told.drains.push(reason ?? "");
      else if (state === "registered" && reason) told.crashes.push(generation); // its worker was killed
    });
  },

  /** `work` is a list of [number, kind]. */
  async batch([work, width]) {
    const waiting = [...work].reverse();
    const lane = async () => {
      while (waiting.length > 0) {
        const [number, kind] = waiting.pop();
        const id = `soak-${number}`;
        const outcome = await plugin.invoke(handlers[kind], number, { correlationId: id, ...options(kind) });
        const { status, error, layer, value, generation, correlationId } = outcome;
        const { code = "", message } = error ?? {};
        told.outcomes.push({ id, correlationId, kind, status, code, message, layer, value, generation });
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
    const all = told;
    told = nothing();
    return all;
  },
};

// What the tests drive: a page that opens a sandbox and keeps what it is told. `lab` is all there is to it.
const plugins = [];
const tickets = [];
let sandbox;

// What the page gives to plugins. Two are for tests of what a page's function does wrong.
const capabilities = {
  "webchat:session:read": (args, { pluginId, correlationId }) => ({ tier: "gold", args, pluginId, correlationId }),
  "webchat:message:send": (args, call) => provide("webchat:message:send", args, call),
  "webchat:queue:route": (args, call) => provide("webchat:queue:route", args, call),
  "lab:page:throws": () => {
    throw new Error("secret of the page");
  },
  "lab:page:bytes": ({ data }) => ({ was: data.constructor.name, bytes: data.map((byte) => 255 - byte) }),
  "lab:page:waits": (_args, { signal }) =>
    new Promise((resolve) => signal.addEventListener("abort", () => (lab.withdrawn++, resolve(null)))),
};

function provide(name, args, { pluginId }) {
  lab.provided.push({ name, args, pluginId });
}

async function coded(promise) {
  try {
    return await promise;
  } catch (error) {
    const { name, code, message, details } = error;
    return { rejected: { name: name ?? "", code: code ?? "", message: message ?? String(error), details: details ?? [] } };
  }
}

function longestGap() {
  const channel = new MessageChannel();
  let last = performance.now();
  let longest = 0;
  let running = true;
  channel.port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setTimeout(() => channel.port2.postMessage(0), 1);
  };
  channel.port2.postMessage(0);
  return () => {
    running = false;
    channel.port1.close();
    return Math.max(longest, performance.now() - last);
  };
}

globalThis.lab = {
  alerts: [],
  telemetry: [],
  states: [],
  steps: [],
  provided: [],
  withdrawn: 0,

  open: ({ origin, without = [], ...options }) =>
    coded((async () => {
      const { openSandbox } = await import(`${origin}/pysandbox.js`);
      sandbox = await openSandbox({
        origin,
        environment: "test",
        queue: "lab_queue",
        locale: "en-GB",
        capabilities: Object.fromEntries(Object.entries(capabilities).filter(([name]) => !without.includes(name))),
        onSecurityAlert: (alert) => lab.alerts.push(alert),
        onTelemetry: (record) => lab.telemetry.push(record),
        onStateChange: (state) => lab.states.push(state),
        ...options,
      });
      return { open: true };
    })()),

  load: (name) =>
    coded((async () => {
      const plugin = await sandbox.load(name);
      const heard = [];
      for (const kind of ["event", "progress", "log"]) {
        plugin.on(kind, (detail) => heard.push({ kind, detail, at: performance.now() }));
      }
      plugins.push({ plugin, heard });
      return { number: plugins.length - 1, handlers: plugin.handlers, permissions: plugin.permissions };
    })()),

  start([number, handler, payload, { abortAfterMs, abortBy, blockMs, payloadText, ...options }]) {
    if (abortAfterMs !== undefined) {
      const controller = new AbortController();
      options.signal = controller.signal;
      if (abortAfterMs === 0) controller.abort();
      else setTimeout(() => controller.abort(), abortAfterMs);
      if (abortBy === "any") options.signal = AbortSignal.any([new AbortController().signal, controller.signal]);
      if (abortBy === "timeout") options.signal = AbortSignal.timeout(abortAfterMs);
    }
    const sent = payloadText === undefined ? payload : JSON.parse(payloadText);
    const startedAt = performance.now();
    tickets.push(plugins[number].plugin.invoke(handler, sent, options).then((outcome) => {
      const endedAt = performance.now();
      return { ...outcome, pageMs: endedAt - startedAt, endedAt };
    }));
    // The page stands still, once its message is out.
    if (blockMs) setTimeout(() => { for (const end = performance.now() + blockMs; performance.now() < end;); }, 50);
    return tickets.length - 1;
  },

  startFlow([flow, interaction, { abortAfterMs, ...options }]) {
    if (abortAfterMs !== undefined) options.signal = AbortSignal.timeout(abortAfterMs);
    const startedAt = performance.now();
    const onStep = (event) => lab.steps.push(event);
    tickets.push(coded(sandbox.runFlow(flow, interaction, { ...options, onStep })).then((run) => {
      return { ...run, pageMs: performance.now() - startedAt };
    }));
    return tickets.length - 1;
  },

  plugin: (number) => plugins[number].plugin,
  finish: (ticket) => tickets[ticket],
  heard: (number) => plugins[number].heard,
  unload: (number) => coded(plugins[number].plugin.unload()),
  revoke: ([number, permission]) => coded(plugins[number].plugin.revoke(permission)),
  memory: () => sandbox.memory(),
  close: () => sandbox?.close(),

  /** Runs `work` and tells the longest time that the main thread did not come round, and its long tasks where told. */
  async watched(work) {
    const tasks = [];
    const observer = globalThis.PerformanceObserver?.supportedEntryTypes?.includes("longtask")
      ? new PerformanceObserver((list) => tasks.push(...list.getEntries()))
      : undefined;
    observer?.observe({ type: "longtask" });
    const stop = longestGap();
    const result = await work();
    const gapMs = stop();
    await new Promise((resolve) => setTimeout(resolve, 50)); // the observer is told in a task of its own
    tasks.push(...(observer?.takeRecords() ?? []));
    observer?.disconnect();
    return { result, gapMs, longTasksMs: observer ? tasks.map((task) => task.duration) : null };
  },
};

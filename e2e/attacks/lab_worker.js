"use strict";
// Stands before everything of ours in the plugin worker of a variant. What it keeps is what a plugin would have that
// got past Python and past every deletion: the realm as the browser made it, its own port, its binding.
// deno-lint-ignore no-unused-vars -- the page scripts of the tests use it
const lab = (() => {
  const realm = self;
  const keep = {};
  for (
    const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "importScripts", "Worker", "SharedWorker",
      "BroadcastChannel", "indexedDB", "caches", "navigator", "eval", "Function", "Blob", "setTimeout", "postMessage",
      "MessageChannel", "SharedArrayBuffer", "Response", "origin", "WebTransport", "WebAssembly", "OffscreenCanvas",
      "performance", "Atomics", "console"]
  ) {
    try {
      keep[name] = realm[name];
    } catch {
      keep[name] = undefined; // an opaque origin may not even look at some
    }
  }
  const given = new Set(); // every name that the browser ever gave it
  for (let holder = realm; holder; holder = Object.getPrototypeOf(holder)) {
    for (const name of Reflect.ownKeys(holder)) given.add(String(name));
  }
  const later = keep.setTimeout.bind(realm);
  const blobUrl = ((url, blob) => (text) => url.createObjectURL(new blob([text], { type: "text/javascript" })))(
    URL, Blob,
  );
  const encode = encodeURIComponent;
  const dataUrl = (text) => `data:text/javascript,${encode(text)}`;
  const portPrototype = MessagePort.prototype;
  const structuredCloneHere = structuredClone;
  const includes = String.prototype.includes;
  /** A task of its own, as soon as can be. */
  keep.postMessageHere = ((channel) => {
    let next = () => {};
    channel.port1.onmessage = () => next();
    return (work) => (next = work, channel.port2.postMessage(0));
  })(new MessageChannel());
  const listen = EventTarget.prototype.addEventListener; // the prototype's names go too
  const mark = (road) => `globalThis.__${road} = 42;`;
  const marked = (road) =>
    realm[`__${road}`] === 42 ? "evaluated" : Promise.reject(new Error("nothing was evaluated"));

  /** What came of it, in words that a test reads: `open: …`, `refused: …`, `absent`, or `silent`. */
  const attempt = (work, needs) => {
    if (needs && keep[needs] === undefined) return Promise.resolve("absent");
    const result = (async () => {
      try {
        return `open: ${await work()}`;
      } catch (error) {
        return `refused: ${error}`;
      }
    })();
    return Promise.race([result, new Promise((resolve) => later(() => resolve("silent"), 5000))]);
  };
  const heard = (target, good, bad = ["error"]) =>
    new Promise((resolve, reject) => {
      listen.call(target, good, () => resolve(good));
      for (const name of bad) listen.call(target, name, () => reject(new Error(name)));
    });
  // Closed again: an EventSource would come back to the server for as long as its worker lives.
  const once = (source, good) => heard(source, good, ["error", "close"]).finally(() => source.close());
  const xhr = (url, wait) => {
    const request = new keep.XMLHttpRequest();
    request.open("GET", url, wait);
    const end = wait ? heard(request, "load") : undefined;
    request.send();
    return end ?? request.status;
  };
  const nested = (script) => {
    const worker = new keep.Worker(blobUrl(script));
    const end = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => data.startsWith("ok") ? resolve(data) : reject(new Error(data));
      worker.onerror = () => reject(new Error("the nested worker did not start"));
    });
    return end.finally(() => worker.terminate());
  };

  /** Roads out. `http` and `ws` are the listening server's origins; each road says its name in the path. */
  const egress = {
    fetch: [(http) => keep.fetch.call(realm, `${http}/fetch?stolen`, { mode: "no-cors" }).then(() => "answered")],
    fetch_post: [(http) =>
      keep.fetch.call(realm, `${http}/fetch_post`, { mode: "no-cors", method: "POST", body: "stolen" })
        .then(() => "answered")],
    xhr: [(http) => xhr(`${http}/xhr`, true), "XMLHttpRequest"],
    xhr_sync: [(http) => xhr(`${http}/xhr_sync`, false), "XMLHttpRequest"],
    websocket: [(_http, ws) => once(new keep.WebSocket(`${ws}/websocket`), "open"), "WebSocket"],
    eventsource: [(http) => once(new keep.EventSource(`${http}/eventsource`), "message"), "EventSource"],
    import_url: [(http) => import(`${http}/import_url`).then(() => "loaded")],
    importscripts_url: [(http) => (keep.importScripts.call(realm, `${http}/importscripts_url`), "loaded"),
      "importScripts"],
    nested_fetch: [(http) =>
      nested(`fetch("${http}/nested_fetch", { mode: "no-cors" }).then(() => postMessage("ok"), (e) => postMessage(String(e)))`),
      "Worker"],
    nested_importscripts: [(http) =>
      nested(`try { importScripts("${http}/nested_importscripts"); postMessage("ok") } catch (e) { postMessage(String(e)) }`),
      "Worker"],
    webtransport: [(http) => {
      const transport = new keep.WebTransport(`${http.replace("http:", "https:")}/webtransport`);
      transport.closed.catch(() => {}); // nobody's, it would count as the interpreter's death
      return transport.ready;
    }, "WebTransport"],
    beacon: [(http) => keep.navigator.sendBeacon(`${http}/beacon`, "stolen")],
  };
  /** Roads from text to code. */
  const evaluation = {
    eval: [() => (0, keep.eval)("6 * 7")],
    function_constructor: [() => keep.Function("return 42")()],
    async_constructor: [() => (async () => {}).constructor("return 42")()],
    timeout_text: [() => (later(mark("a")), new Promise((resolve) => later(resolve, 200)).then(() => marked("a")))],
    importscripts_blob: [() => (keep.importScripts.call(realm, blobUrl(mark("b"))), marked("b")), "importScripts"],
    importscripts_data: [() => (keep.importScripts.call(realm, dataUrl(mark("c"))), marked("c")), "importScripts"],
    import_blob: [() => import(blobUrl(mark("d"))).then(() => marked("d"))],
    import_data: [() => import(dataUrl(mark("e"))).then(() => marked("e"))],
    nested_eval: [() => nested(`try { postMessage("ok " + eval("6*7")) } catch (e) { postMessage(String(e)) }`), "Worker"],
  };
  /** Roads to what stays: each leaves something where there is a place for it, and tells what an earlier one left. */
  const request = (idb) => heard(idb, "success").then(() => idb.result);
  const storage = {
    indexeddb: [async () => {
      const opening = keep.indexedDB.open("lab");
      opening.onupgradeneeded = () => opening.result.createObjectStore("left");
      const left = (await request(opening)).transaction("left", "readwrite").objectStore("left");
      const found = await request(left.get("it"));
      await request(left.put("left", "it"));
      return found ?? "nothing";
    }, "indexedDB"],
    caches: [async () => {
      const cache = await keep.caches.open("lab");
      const found = await cache.match("http://lab.invalid/left");
      await cache.put("http://lab.invalid/left", new keep.Response("left"));
      return found ? await found.text() : "nothing";
    }, "caches"],
    opfs: [async () => {
      const root = await keep.navigator.storage.getDirectory();
      const found = await Array.fromAsync(root.keys());
      await root.getFileHandle("left", { create: true });
      return found[0] ?? "nothing";
    }],
  };
  /** What holds the worker until it is answered goes alone: Firefox has hung in one that waited behind the others. */
  const blocks = ([name]) => /^(xhr_sync|importscripts)/.test(name);
  const take = async (roads, ...args) => {
    const run = async ([name, [work, needs]]) => [name, await attempt(() => work(...args), needs)];
    const entries = Object.entries(roads);
    const taken = await Promise.all(entries.filter((entry) => !blocks(entry)).map(run));
    for (const entry of entries.filter(blocks)) taken.push(await run(entry));
    return JSON.stringify(Object.fromEntries(taken));
  };

  const made = {
    origin: String(keep.origin),
    port: undefined,
    binding: "",
    egress: (http, ws) => take(egress, http, ws),
    evaluation: () => take(evaluation),
    storage: () => take(storage),
    broadcast(name) {
      if (!keep.BroadcastChannel) return "absent";
      new keep.BroadcastChannel(name).postMessage("from the plugin");
      return "sent";
    },
    /** Counts what others say on the channel meanwhile. */
    overhear(name, ms) {
      if (!keep.BroadcastChannel) return "absent";
      const channel = new keep.BroadcastChannel(name);
      let heard = 0;
      listen.call(channel, "message", () => heard++);
      return new Promise((resolve) => later(() => (channel.close(), resolve(heard)), ms));
    },
    /** Which of these names, with spaces between, the browser gave to this realm. */
    there: (names) => JSON.stringify(names.split(" ").filter((name) => given.has(name))),
    /** The smallest step that its clock ever makes, in ms. */
    grain() {
      let least = Infinity;
      for (let n = 0, last = performance.now(); n < 200; ) {
        const now = performance.now();
        if (now === last) continue;
        least = Math.min(least, now - last);
        last = now;
        n++;
      }
      return least;
    },
    /** Replaces what the glue and the gate stand on, here, and keeps every text that comes by. */
    spy() {
      const seen = [];
      const note = (value) => {
        if (typeof value === "string") seen[seen.length] = value;
      };
      const wrap = (holder, name) => {
        const original = holder[name];
        holder[name] = function (...args) {
          for (let n = 0; n < args.length; n++) note(args[n]);
          note(this?.data);
          return Reflect.apply(original, this, args);
        };
      };
      for (const name of ["push", "slice", "map"]) wrap(Array.prototype, name);
      for (const name of ["charCodeAt", "indexOf", "match"]) wrap(String.prototype, name);
      wrap(portPrototype, "postMessage");
      wrap(Promise.prototype, "then");
      Object.defineProperty(Object.prototype, "op", { configurable: true, set: note, get: () => "end" });
      Object.prototype.ports = [new keep.MessageChannel().port1];
      made.spied = (text) => {
        delete Object.prototype.op;
        delete Object.prototype.ports;
        let found = 0;
        for (let n = 0; n < seen.length; n++) if (includes.call(seen[n], text)) found++;
        return found;
      };
    },
    /** Workers of its own that spin, from after its answer is out: beside them an answer may wait for its turn. */
    spinners(count) {
      if (!keep.Worker) return "absent";
      later(() => {
        for (let n = 0; n < count; n++) new keep.Worker(blobUrl("for (;;);"));
      }, 200);
      return "starting";
    },
    /** Draws without end, also while its Python waits. */
    canvas() {
      if (!keep.OffscreenCanvas) return "absent";
      const board = new keep.OffscreenCanvas(1024, 1024);
      const pen = board.getContext("webgl") ?? board.getContext("2d");
      if (!pen) return "absent";
      const draw = () => {
        for (let n = 0; n < 20; n++) pen.clear ? (pen.clear(pen.COLOR_BUFFER_BIT), pen.finish()) : pen.fillRect(0, 0, 1024, n);
        keep.postMessageHere(draw);
      };
      draw();
      return "started";
    },
    /** Sleeps in the middle of its turn, where no interrupt reaches it. */
    sleep() {
      if (!keep.SharedArrayBuffer || !keep.Atomics) return "absent";
      keep.Atomics.wait(new Int32Array(new keep.SharedArrayBuffer(4)), 0, 0);
    },
    /** Takes a lock and never gives it back, unless somebody else has it. */
    async lock(name) {
      const locks = keep.navigator.locks;
      if (!locks) return "absent";
      const asked = new Promise((resolve, reject) =>
        locks.request(name, { ifAvailable: true }, (lock) => {
          resolve(lock ? "free" : "taken");
          return lock && new Promise(() => {});
        }).catch(reject)
      );
      return await attempt(() => asked);
    },
    /** Who gives it a device, a permission, or figures about others. */
    devices() {
      const { navigator } = keep;
      const ask = (name) => async () => {
        const { state } = await navigator.permissions.query({ name });
        return state;
      };
      const usage = keep.performance.measureUserAgentSpecificMemory;
      const roads = {
        usb: [async () => (await navigator.usb.getDevices()).length],
        serial: [async () => (await navigator.serial.getPorts()).length],
        hid: [async () => (await navigator.hid.getDevices()).length],
        bluetooth: [() => navigator.bluetooth.requestDevice({ acceptAllDevices: true })],
        media: [() => navigator.mediaDevices.getUserMedia({ audio: true })],
        place: [() => navigator.geolocation.getCurrentPosition(() => {})],
        wakelock: [() => navigator.wakeLock.request("screen")],
        persist: [() => navigator.storage.persist()],
        memory: [() => usage.call(keep.performance)],
        service: [() => navigator.serviceWorker.register(blobUrl(""))],
      };
      for (const name of ["geolocation", "camera", "microphone", "notifications", "clipboard-read"]) {
        roads[`may_${name}`] = [ask(name)];
      }
      return take(roads);
    },
    timeline: () => JSON.stringify(keep.performance.getEntries().map(({ name }) => name)),
    speak(count) {
      for (let n = 0; n < count; n++) keep.console.log("%c from a plugin", "color: red", n);
    },
    /** What costs its reader more than its sender. */
    labyrinth(objects, times) {
      const maze = Array.from({ length: objects }, (_, n) => ({ n, next: { n: [n] } }));
      for (let n = 0; n < times; n++) made.port.postMessage(maze);
      return "sent";
    },
    /** A WebAssembly memory beside the interpreter's. */
    memory(mib) {
      made.held = new keep.WebAssembly.Memory({ initial: mib * 16 });
      return new Uint8Array(made.held.buffer).fill(1).length >> 20;
    },
    /** Every name that is left on the global and its prototypes. */
    names() {
      const names = new Set();
      for (let holder = realm; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
        for (const name of Reflect.ownKeys(holder)) names.add(String(name));
      }
      return JSON.stringify([...names].sort());
    },
    /** To the cell, which must not listen. */
    toCell(count) {
      for (let n = 0; n < count; n++) keep.postMessage.call(realm, { op: "end", n });
    },
    errors(count) {
      for (let n = 0; n < count; n++) later(() => { throw new Error("secret of the plugin"); }, 0);
    },
    /** Raw messages on the plugin's own port. */
    post: (text) => made.port.postMessage(text),
    flood(text, count) {
      for (let n = 0; n < count; n++) made.port.postMessage(text);
    },
    odd(kind) {
      const channel = new keep.MessageChannel();
      const getter = { get nonce() { throw new Error("read"); } };
      const cycle = [];
      cycle.push(cycle);
      const deep = Array.from({ length: 500 }).reduce((inner) => [inner], []);
      const buffers = (n) => Array.from({ length: n }, () => new ArrayBuffer(8));
      const send = {
        object: () => made.port.postMessage({ nonce: "0", kind: "event" }),
        number: () => made.port.postMessage(1),
        null: () => made.port.postMessage(null),
        cycle: () => made.port.postMessage(cycle),
        deep: () => made.port.postMessage(deep),
        prototype: () => made.port.postMessage(JSON.parse('{"__proto__": {"length": 1}, "0": "text"}')),
        port: () => made.port.postMessage("text", [channel.port1]),
        port_in_data: () => made.port.postMessage(["text", channel.port1], [channel.port1]),
        getter: () => made.port.postMessage(getter),
        many_buffers: () => made.port.postMessage(["text", ...buffers(17)]),
        not_a_buffer: () => made.port.postMessage(["text", new Uint8Array(8)]),
        large_buffer: () => made.port.postMessage(["text", new ArrayBuffer(65 * 1024 * 1024)]),
        resizable: () => made.port.postMessage(["text", new ArrayBuffer(8, { maxByteLength: 1 << 30 })]),
        detached: () => {
          const gone = new ArrayBuffer(8);
          structuredCloneHere(gone, { transfer: [gone] });
          made.port.postMessage(["text", gone], [gone]);
        },
        itself: () => made.port.postMessage("text", [made.port]),
        view_of_all: () => made.port.postMessage(["text", new DataView(new ArrayBuffer(1 << 20), 1, 1)]),
        shared_buffer: () => made.port.postMessage(["text", new keep.SharedArrayBuffer(8)]),
      };
      try {
        send[kind]();
        return "sent";
      } catch (error) {
        return `refused: ${error}`;
      }
    },
  };
  realm.addEventListener("message", ({ data, ports }) => {
    if (data?.op !== "boot") return;
    made.port = ports[0];
    listen.call(made.port, "message", ({ data }) => {
      if (data?.op !== "bind") return;
      made.binding = JSON.stringify({ plugin: data.plugin, sid: data.sid, gen: data.gen, key: data.key });
    });
  });
  return made;
})();

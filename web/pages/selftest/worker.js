// Runs in a worker: what the shell gave to it.
importScripts("bridges.js");
postMessage(globalThis.bridges());

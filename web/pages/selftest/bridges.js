/**
 * What a realm has that no browser gives it: names by which shells are known to reach in, and plain objects put into the
 * global scope. In a file of its own: a frame has it written into its page, a worker loads it, and neither has modules.
 */
// deno-lint-ignore no-unused-vars
function bridges() {
  const known = [
    "qt", "QWebChannel", "__TAURI__", "__TAURI_INTERNALS__", "__TAURI_IPC__", "__TAURI_INVOKE__", "require", "process", "module", "Buffer",
    "electron", "electronAPI", "ipcRenderer", "cefQuery", "pywebview", "external.invoke", "external.notify", "chrome.webview",
    "webkit.messageHandlers",
  ];
  const found = known.filter((name) => {
    try {
      return name.split(".").reduce((value, part) => value?.[part], globalThis) !== undefined;
    } catch {
      return false;
    }
  });
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(globalThis))) {
    const plain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype &&
      Object.prototype.toString.call(value) === "[object Object]"; // namespaces such as Math say their name
    const ours = ["chrome", "netscape"].includes(name); // what Chromium and Firefox have of their own
    if (plain && !ours && !found.includes(name)) found.push(name);
  }
  return found;
}

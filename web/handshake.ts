/**
 * Page ⇄ host frame: one hidden frame, one `ready`, one `init` with a port; then only the port is used.
 */
import { PROTOCOL } from "./protocol.gen.ts";
import type { SpareWish } from "./wire.ts";
import { SandboxError } from "./sandbox_error.ts";

/** A frame fires no error when its page is refused; one that loaded and stays silent this long was refused. */
const SILENCE_MS = 1500;

export interface Link {
  frame: HTMLIFrameElement;
  port: MessagePort;
  onFailure: (code: string, message: string) => void;
}

export function connect(origin: string, spares: SpareWish, deadline: number): Promise<Link> {
  const frame = document.createElement("iframe");
  const channel = new MessageChannel();
  const link: Link = { frame, port: channel.port1, onFailure: () => {} };
  return new Promise((resolve, reject) => {
    let silence = 0;
    let met = false;
    const refuse = (code: string, message: string) => {
      if (met) return link.onFailure(code, message);
      clearTimeout(timer);
      clearTimeout(silence);
      removeEventListener("message", hear);
      frame.remove();
      reject(new SandboxError(code, message));
    };
    const timer = setTimeout(
      () => refuse("BOOT_TIMEOUT", `${origin} did not answer; check that it is reachable and in this page's frame-src`),
      deadline - performance.now(),
    );
    function hear(event: MessageEvent) {
      if (event.source !== frame.contentWindow || event.source === null) return;
      if (!frame.isConnected) return removeEventListener("message", hear);
      if (event.origin !== origin) return;
      const { kind, v, code, message } = event.data ?? {};
      if (kind === "failed") refuse(code, message);
      else if (kind !== "ready" || met) refuse("PROTOCOL_VIOLATION", "the host frame spoke out of turn");
      else if (v !== PROTOCOL) {
        refuse("PROTOCOL_VERSION", `host.html speaks protocol version ${v}, pysandbox.js speaks ${PROTOCOL}`);
      } else {
        met = true;
        clearTimeout(timer);
        clearTimeout(silence);
        frame.contentWindow!.postMessage({ kind: "init", v: PROTOCOL, spares }, origin, [channel.port2]);
        resolve(link);
      }
    }
    addEventListener("message", hear);
    frame.addEventListener("load", () => {
      if (met) return;
      silence = setTimeout(() =>
        refuse(
          "ORIGIN_NOT_ALLOWED",
          `${origin} loaded no host frame for ${location.origin}: is this origin in PYSANDBOX_ALLOWED_ORIGINS, ` +
            "and the sandbox origin in this page's frame-src?",
        ), SILENCE_MS);
    });
    frame.hidden = true;
    frame.title = "pysandbox";
    frame.setAttribute("aria-hidden", "true");
    frame.allow = "cross-origin-isolated";
    // Such a page may frame only what says the same of itself.
    frame.src = `${origin}/host.html${crossOriginIsolated ? "?isolated" : ""}`;
    document.documentElement.append(frame);
  });
}

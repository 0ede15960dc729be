/**
 * The cells of one host frame: created, proven, ended. Which plugin has which is the host worker's affair.
 *
 * The frame may share its thread with the page, so nothing large passes through here: the worker's script goes as a
 * reference, and what the interpreter starts from comes to the cell from the watchdog.
 */
import type { Assets } from "./assets.ts";
import { PROTOCOL } from "./protocol.gen.ts";
import type { CellInit } from "./wire.ts";

const CELL_DEADLINE_MS = 15_000;
const REMOVE_AFTER_MS = 50; // time for "end" to reach the cell; nothing waits for it

type Failed = (code: string, message: string) => void;

/** What a cell's realms are given to speak with: its worker's end of the plugin's port, and the watchdog's. */
interface Ports {
  plugin: MessagePort;
  watchdog: MessagePort;
}

/** One frame. `failed` is told at most once. */
class Cell {
  readonly #frame = document.createElement("iframe");
  readonly #control = new MessageChannel();
  #ended = false;
  #told = false;

  constructor(
    memoryMB: number,
    ports: Ports,
    assets: Assets,
    private readonly failed: Failed,
    private readonly measured: (bytes: number) => void,
  ) {
    const frame = this.#frame;
    frame.setAttribute("sandbox", "allow-scripts");
    frame.setAttribute("allow", "");
    frame.hidden = true;
    frame.src = location.search === "?isolated" ? "/isolated/cell.html" : "/cell.html";
    this.#control.port1.onmessage = ({ data }) => {
      if (data.op === "memory") this.measured(data.bytes);
      else this.#fail(data.code, data.message);
    };
    this.#start(memoryMB, ports, assets).catch((error) => this.fault(error));
    document.body.append(frame);
  }

  async #start(memoryMB: number, { plugin, watchdog }: Ports, assets: Assets): Promise<void> {
    const [, script] = await Promise.all([this.#ready(), assets.pluginWorker]);
    if (this.#ended) return;
    const init: CellInit = { kind: "init", v: PROTOCOL, script, memoryMB };
    // An opaque origin cannot be named: the frame's window and the one-shot port are its identity.
    this.#frame.contentWindow!.postMessage(init, "*", [this.#control.port2, plugin, watchdog]);
  }

  /** Resolves when the cell has proven its walls, once; a second word or a second load of it is its end. */
  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let loads = 0;
      let heard = false;
      const timer = setTimeout(() => reject(coded("BOOT_TIMEOUT", "the cell did not answer")), CELL_DEADLINE_MS);
      this.#frame.addEventListener("load", () => {
        if (++loads > 1) this.#fail("PROTOCOL_VIOLATION", "the cell navigated");
      });
      const hear = (event: MessageEvent) => {
        if (this.#ended) return removeEventListener("message", hear);
        if (event.source !== this.#frame.contentWindow) return;
        if (heard || event.origin !== "null") return this.#fail("PROTOCOL_VIOLATION", "the cell spoke out of turn");
        heard = true;
        clearTimeout(timer);
        if (event.data.kind === "ready" && event.data.v === PROTOCOL) resolve();
        else if (event.data.kind === "unsafe") reject(coded("ISOLATION_FAILED", `no isolation: ${event.data.fault}`));
        else reject(coded("PROTOCOL_VERSION", `cell.html speaks version ${event.data.v}, host.html ${PROTOCOL}`));
      };
      addEventListener("message", hear);
    });
  }

  #fail(code: string, message: string): void {
    if (this.#ended || this.#told) return;
    this.#told = true;
    this.failed(code, message);
  }

  fault(error: { code?: string; message?: string }): void {
    this.#fail(error.code ?? "BOOT_FAILED", String(error.message ?? error));
  }

  /** The standard library, for a plugin that wants more than the snapshot holds. */
  give(library: ArrayBuffer): void {
    this.#control.port1.postMessage({ op: "library", library });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { port1 } = this.#control;
    const remove = () => {
      clearTimeout(timer);
      port1.close();
      this.#frame.remove();
    };
    const timer = setTimeout(remove, REMOVE_AFTER_MS);
    // Isolated, the cell has a process of its own: the sooner it goes, the sooner a loop in it stops to burn a core.
    if (crossOriginIsolated) port1.onmessage = ({ data }) => data.op === "ended" && remove();
    port1.postMessage({ op: "end" });
  }
}

export class Cells {
  readonly #live = new Map<number, Cell>();

  constructor(
    private readonly assets: Assets,
    private readonly watchdog: MessagePort,
    private readonly failed: (cell: number, code: string, message: string) => void,
    private readonly measured: (cell: number, bytes: number) => void,
  ) {}

  make(number: number, memoryMB: number, plugin: MessagePort): void {
    const beat = new MessageChannel();
    this.watchdog.postMessage({ op: "cell", cell: number }, [beat.port1]);
    const failed: Failed = (code, message) => {
      this.end(number);
      this.failed(number, code, message);
    };
    const measured = (bytes: number) => this.measured(number, bytes);
    this.#live.set(number, new Cell(memoryMB, { plugin, watchdog: beat.port2 }, this.assets, failed, measured));
  }

  giveLibrary(number: number): void {
    const cell = this.#live.get(number);
    this.assets.library().then((library) => cell?.give(library), (error) => cell?.fault(error));
  }

  end(number: number): void {
    if (!this.#live.has(number)) return;
    this.watchdog.postMessage({ op: "gone", cell: number });
    this.#live.get(number)!.end();
    this.#live.delete(number);
  }

  endAll(): void {
    for (const number of [...this.#live.keys()]) this.end(number);
  }
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

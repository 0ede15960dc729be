/**
 * The cells of one host frame: created, proven, taken, ended. A cell that has run one plugin's code never serves
 * another; a spare has run nobody's.
 */
import type { Assets } from "./assets.ts";
import { DEFAULT_MEMORY_MB, PROTOCOL } from "./protocol.gen.ts";
import type { Binding, CellInit, CellOrder } from "./wire.ts";

const CELL_DEADLINE_MS = 15_000;
const REMOVE_AFTER_MS = 50; // time for "end" to reach the cell; nothing waits for it
const WARM_AFTER_MS = 400;

type Failed = (code: string, message: string) => void;

/** One frame. `fail` is told at most once. */
class Cell {
  readonly #frame = document.createElement("iframe");
  readonly #control = new MessageChannel();
  readonly #started: Promise<void>;
  #ended = false;
  failed: Failed = () => {};
  failure: [code: string, message: string] | undefined;

  constructor(readonly memoryMB: number, assets: Assets) {
    const frame = this.#frame;
    frame.setAttribute("sandbox", "allow-scripts");
    frame.setAttribute("allow", "");
    frame.hidden = true;
    frame.src = "/cell.html";
    this.#started = this.#start(assets);
    this.#started.catch((error) => this.#fail(error.code ?? "BOOT_FAILED", String(error.message ?? error)));
    document.body.append(frame);
  }

  async #start(assets: Assets): Promise<void> {
    // Copies that are moved: cloned ones would stay in the cell as part of the message until a collector comes round.
    const [, script] = await Promise.all([this.#ready(), assets.pluginWorker.then((bytes) => bytes.slice(0))]);
    if (this.#ended) return;
    const init: CellInit = { kind: "init", v: PROTOCOL, script };
    this.#control.port1.onmessage = ({ data }) => {
      if (data.op === "failed") this.#fail(data.code, data.message);
    };
    // An opaque origin cannot be named: the frame's window and the one-shot port are its identity.
    this.#frame.contentWindow!.postMessage(init, "*", [this.#control.port2, script]);
    const [wasm, snapshot] = (await Promise.all([assets.wasm, assets.snapshot])).map((bytes) => bytes.slice(0));
    const start: CellOrder = { op: "start", memoryMB: this.memoryMB, wasm, snapshot };
    this.#control.port1.postMessage(start, [wasm, snapshot]);
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
    if (this.#ended || this.failure) return;
    this.failure = [code, message];
    this.failed(code, message);
  }

  /** Hands the port over, with the standard library where the plugin needs it. */
  bind(binding: Binding, port: MessagePort, assets: Assets): void {
    const library = binding.needsLibrary ? assets.library() : undefined;
    Promise.all([library, this.#started]).then(
      ([bytes]) => this.#control.port1.postMessage({ ...binding, library: bytes }, [port]),
      (error) => this.#fail(error.code ?? "BOOT_FAILED", String(error.message ?? error)),
    );
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#control.port1.postMessage({ op: "end" });
    setTimeout(() => {
      this.#control.port1.close();
      this.#frame.remove();
    }, REMOVE_AFTER_MS);
  }
}

export class Cells {
  readonly #live = new Map<number, Cell>();
  #spares: Cell[] = [];
  #wanted = 0;

  constructor(
    private readonly assets: Assets,
    private readonly failed: (slot: number, code: string, message: string) => void,
  ) {}

  /** Starts the first cell now, beside everything else that starts, and keeps `count` spares from then on. */
  warm(count: number): void {
    this.#wanted = count;
    this.#spares.push(new Cell(DEFAULT_MEMORY_MB, this.assets));
  }

  open(slot: number, memoryMB: number, binding: Binding, port: MessagePort): void {
    const at = this.#spares.findIndex((spare) => spare.memoryMB === memoryMB && !spare.failure);
    const cell = at < 0 ? new Cell(memoryMB, this.assets) : this.#spares.splice(at, 1)[0];
    this.#spares = this.#spares.filter((spare) => !spare.failure);
    this.#live.set(slot, cell);
    cell.failed = (code, message) => {
      this.end(slot);
      this.failed(slot, code, message);
    };
    cell.bind(binding, port, this.assets);
    setTimeout(() => this.#refill(), WARM_AFTER_MS);
  }

  end(slot: number): void {
    this.#live.get(slot)?.end();
    this.#live.delete(slot);
  }

  #refill(): void {
    while (this.#spares.length < this.#wanted) this.#spares.push(new Cell(DEFAULT_MEMORY_MB, this.assets));
  }
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

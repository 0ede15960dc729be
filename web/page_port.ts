/** The page's port to the host worker: numbered messages, one-shot replies. Authority is the port itself. */
import { join } from "./binary.ts";
import { PROTOCOL } from "./protocol.gen.ts";
import { SandboxError } from "./sandbox_error.ts";
import type { Outcome } from "./pysandbox.d.ts";
import type { PageMessage } from "./wire.ts";

type Message = Partial<Omit<PageMessage, "v" | "seq" | "kind">>;
export type Handlers = Record<string, (id: string, cid: string, payload: string, buffers?: ArrayBuffer[]) => void>;

interface Asked {
  resolve: (payload: string) => void;
  reject: (error: SandboxError) => void;
}

export class PagePort {
  readonly #asked = new Map<string, Asked>();
  readonly #outcomes = new Map<string, (outcome: Outcome) => void>();
  #seq = 0;
  #nextId = 1;

  constructor(private readonly port: MessagePort, handlers: Handlers) {
    port.onmessage = ({ data: { kind, id, cid, payload, buffers } }: MessageEvent<PageMessage>) => {
      if (kind === "outcome") {
        const finish = this.#outcomes.get(id);
        this.#outcomes.delete(id);
        finish?.(join(payload, buffers));
      } else if (kind === "result") this.#take(id)?.resolve(payload);
      else if (kind === "error") this.#take(id)?.reject(fromJson(payload));
      else handlers[kind]?.(id, cid, payload, buffers);
    };
  }

  tell(kind: string, message: Message): void {
    const whole = { v: PROTOCOL, seq: this.#seq++, kind, id: "", cid: "", payload: "null", ...message };
    this.port.postMessage(whole, message.buffers ?? []);
  }

  invoke(message: Message, finish: (outcome: Outcome) => void): string {
    const id = `i${this.#nextId++}`;
    this.#outcomes.set(id, finish);
    this.tell("invoke", { ...message, id });
    return id;
  }

  newId(): string {
    return `a${this.#nextId++}`;
  }

  /** One question, one answer, one deadline (a `performance.now()`). */
  ask<T>(kind: string, message: Message, deadline: number): Promise<T> {
    const id = message.id ?? this.newId();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#take(id)?.reject(new SandboxError("BOOT_TIMEOUT", `the sandbox did not answer "${kind}" in time`)),
        deadline - performance.now(),
      );
      const settled = () => clearTimeout(timer);
      this.#asked.set(id, {
        resolve: (payload) => (settled(), resolve(JSON.parse(payload))),
        reject: (error) => (settled(), reject(error)),
      });
      this.tell(kind, { ...message, id });
    });
  }

  fail(error: SandboxError): void {
    for (const id of [...this.#asked.keys()]) this.#take(id)!.reject(error);
    this.port.close();
  }

  #take(id: string): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}

function fromJson(payload: string): SandboxError {
  const { code, message, details } = JSON.parse(payload);
  return new SandboxError(code, message, details);
}

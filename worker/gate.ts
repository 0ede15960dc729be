/**
 * What stands on every plugin port, at both ends, before Python: count, then scan, then hand on.
 *
 * The count comes before `.data` is read, because reading it is work that the sender chose. Only one string, or one
 * string and a few ArrayBuffers, is ever accepted. Nesting is measured by a linear scan, because parsing a deep text
 * would end the interpreter.
 */
export interface GateLimits {
  credit: number; // messages before the other side must have been granted more
  maxChars: number;
  maxDepth: number;
  maxBuffers: number;
  maxBufferBytes: number;
}

export class Gate {
  #credit: number;
  #open = true;

  constructor(
    private readonly port: MessagePort,
    private readonly limits: GateLimits,
    private readonly accept: (text: string, buffers: ArrayBuffer[]) => void,
    private readonly refuse: (rule: string, fatal: boolean) => void,
  ) {
    this.#credit = limits.credit;
    port.onmessage = (event) => this.#take(event);
    port.onmessageerror = () => this.#refused("unreadable", true);
  }

  grant(messages: number): void {
    this.#credit += messages;
  }

  /** `buffers` are moved; of an array that is only a part of its buffer that part is copied first. */
  send(text: string, buffers: (ArrayBuffer | Uint8Array)[]): void {
    if (!this.#open) return;
    const whole = buffers.map(wholeBuffer);
    if (whole.length === 0) this.port.postMessage(text);
    else this.port.postMessage([text, ...whole], whole);
  }

  /** Nothing is heard from this port any more, whatever its other end goes on sending. */
  close(): void {
    this.#open = false;
    this.port.onmessage = null;
    this.port.onmessageerror = null;
    this.port.close();
  }

  #refused(rule: string, fatal: boolean): void {
    if (fatal) this.close();
    this.refuse(rule, fatal);
  }

  #take(event: MessageEvent): void {
    if (!this.#open) return;
    if (--this.#credit < 0) return this.#refused("overdraft", true);
    const data: unknown = event.data;
    if (event.ports.length !== 0) return this.#refused("ports", true);
    if (typeof data === "string") this.#text(data, []);
    else if (Array.isArray(data) && typeof data[0] === "string") this.#withBuffers(data);
    else this.#refused("not-text", false);
  }

  #withBuffers(data: unknown[]): void {
    const buffers = data.slice(1);
    if (buffers.length > this.limits.maxBuffers) return this.#refused("too-many-buffers", false);
    let bytes = 0;
    for (const buffer of buffers) {
      if (!(buffer instanceof ArrayBuffer)) return this.#refused("not-a-buffer", false);
      bytes += buffer.byteLength;
    }
    if (bytes > this.limits.maxBufferBytes) return this.#refused("too-many-bytes", false);
    this.#text(data[0] as string, buffers as ArrayBuffer[]);
  }

  #text(text: string, buffers: ArrayBuffer[]): void {
    if (text.length > this.limits.maxChars) return this.#refused("too-long", false);
    if (!isShallow(text, this.limits.maxDepth)) return this.#refused("too-deep", false);
    this.accept(text, buffers);
  }
}

function wholeBuffer(bytes: ArrayBuffer | Uint8Array): ArrayBuffer {
  if (bytes instanceof ArrayBuffer) return bytes;
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? buffer : bytes.slice().buffer as ArrayBuffer;
}

/** Whether no more than `maxDepth` brackets are ever open at once, outside of strings. Linear, no recursion. */
export function isShallow(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string: on to its end
        i = endOfString(text, i);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) return false;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  return true;
}

function endOfString(text: string, quote: number): number {
  for (;;) {
    const end = text.indexOf('"', quote + 1);
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return end;
    quote = end;
  }
}

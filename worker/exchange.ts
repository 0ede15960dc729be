/** Requests to the gateway in a plugin's name: bounded in time and size, each of them can be hung up. */

/** Python's view of an answer; `error` is "" or why there is none. The body stays a buffer that nobody reads here. */
export interface Answer {
  status: number;
  headers: string;
  body: ArrayBuffer;
  error: string;
}

/** The gateway keeps to the time itself; this is for one that does not answer at all. */
const MARGIN_MS = 300;

export class Exchanges {
  #open = new Map<string, AbortController>();

  constructor(private readonly base: string, private readonly fetcher: typeof fetch = (...args) => fetch(...args)) {}

  /** Never throws. `bodies` is empty bytes for a request without a body. */
  send = async (
    id: string,
    method: string,
    path: string,
    headers: string,
    bodies: Uint8Array<ArrayBuffer>[],
    timeoutMs: number,
    maxBytes: number,
  ): Promise<Answer> => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort("timeout"), timeoutMs + MARGIN_MS);
    this.#open.set(id, controller);
    try {
      const answer = await this.fetcher(this.base + path, {
        method,
        headers: JSON.parse(headers),
        body: bodies[0].length > 0 ? bodies[0] : undefined,
        credentials: "omit",
        redirect: "error",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal: controller.signal,
      });
      const body = await bounded(answer, maxBytes);
      if (!body) return failed("too-large");
      return { status: answer.status, headers: JSON.stringify(Object.fromEntries(answer.headers)), body, error: "" };
    } catch (error) {
      return failed(controller.signal.reason === "timeout" ? "timeout" : String(error).slice(0, 300));
    } finally {
      clearTimeout(timer);
      this.#open.delete(id);
    }
  };

  hangUp = (id: string): void => {
    this.#open.get(id)?.abort("hung up");
  };
}

function failed(error: string): Answer {
  return { status: 0, headers: "{}", body: new ArrayBuffer(0), error };
}

/** The whole body, or null as soon as it is longer than `maxBytes`. */
async function bounded(answer: Response, maxBytes: number): Promise<ArrayBuffer | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = answer.body?.getReader();
  let length = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      return null;
    }
    parts.push(part.value);
  }
  return await new Blob(parts).arrayBuffer();
}

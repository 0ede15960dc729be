import { deepStrictEqual, strictEqual } from "node:assert";
import { Exchanges } from "../../worker/exchange.ts";

type Fetch = typeof fetch;
const NOTHING = [new Uint8Array(0)];

/** A gateway that answers `body` piece by piece, and then goes on for ever if `endless`. */
function gateway(
  pieces: string[],
  endless = false,
): { fetcher: Fetch; asked: [string, RequestInit][]; ended(): boolean } {
  const asked: [string, RequestInit][] = [];
  let ended = false;
  const fetcher: Fetch = (input, init) => {
    asked.push([String(input), init!]);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift() ?? (endless ? "more" : undefined);
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
      cancel: () => void (ended = true),
    });
    return Promise.resolve(new Response(body, { status: 201, headers: { "X-A": "b" } }));
  };
  return { fetcher, asked, ended: () => ended };
}

/** A gateway that never answers; it hears when it is hung up. */
const silent: Fetch = (_input, init) =>
  new Promise((_, reject) => init!.signal!.addEventListener("abort", () => reject(new Error("aborted"))));

Deno.test("a request goes out as it is told, without cookies, and follows no redirect", async () => {
  const { fetcher, asked } = gateway(["ab", "c"]);
  const body = new TextEncoder().encode("{}");
  const answer = await new Exchanges("https://gw", fetcher).send("1", "POST", "/proxy/x?y", '{"A":"b"}', [body], 50, 9);
  const [[url, init]] = asked;
  deepStrictEqual([url, init.method, init.headers, init.body], ["https://gw/proxy/x?y", "POST", { A: "b" }, body]);
  deepStrictEqual([init.credentials, init.redirect, init.cache, init.referrerPolicy], [
    "omit",
    "error",
    "no-store",
    "no-referrer",
  ]);
  deepStrictEqual([answer.status, answer.headers, answer.error], [201, '{"x-a":"b"}', ""]);
  strictEqual(new TextDecoder().decode(answer.body), "abc");
});

Deno.test("a request without a body has none", async () => {
  const { fetcher, asked } = gateway([]);
  const answer = await new Exchanges("", fetcher).send("1", "GET", "/proxy/x", "{}", NOTHING, 50, 9);
  strictEqual(asked[0][1].body, undefined);
  strictEqual(answer.body.byteLength, 0);
});

Deno.test("a body is read up to its bound, not to its end", async () => {
  const { fetcher, ended } = gateway(["12345678", "9"], true);
  const answer = await new Exchanges("", fetcher).send("1", "GET", "/proxy/x", "{}", NOTHING, 50, 8);
  deepStrictEqual([answer.error, answer.body.byteLength, ended()], ["too-large", 0, true]);
});

Deno.test("a gateway that does not answer is given up", async () => {
  const answer = await new Exchanges("", silent).send("1", "GET", "/proxy/x", "{}", NOTHING, 1, 8);
  deepStrictEqual([answer.status, answer.error], [0, "timeout"]);
});

Deno.test("an exchange that is hung up ends at once, and that one alone", async () => {
  const exchanges = new Exchanges("", silent);
  const first = exchanges.send("1", "GET", "/proxy/x", "{}", NOTHING, 60_000, 8);
  const second = exchanges.send("2", "GET", "/proxy/x", "{}", NOTHING, 60_000, 8);
  exchanges.hangUp("1");
  exchanges.hangUp("no such");
  strictEqual((await first).error, "Error: aborted");
  exchanges.hangUp("2");
  strictEqual((await second).error, "Error: aborted");
});

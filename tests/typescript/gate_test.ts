import { deepStrictEqual, strictEqual } from "node:assert";
import { Gate, isShallow } from "../../worker/gate.ts";

const LIMITS = { credit: 3, maxChars: 100, maxDepth: 4, maxBuffers: 2, maxBufferBytes: 10 };

interface Seen {
  accepted: [string, number[]][];
  refused: [string, boolean][];
}

/** A gate on one end of a channel; `say` sends from the other and waits until it is through. */
function gated(): {
  seen: Seen;
  gate: Gate;
  say(data: unknown, transfer?: Transferable[]): Promise<void>;
  end(): void;
} {
  const { port1, port2 } = new MessageChannel();
  const seen: Seen = { accepted: [], refused: [] };
  const gate = new Gate(
    port1,
    LIMITS,
    (text, buffers) => seen.accepted.push([text, buffers.map((buffer) => buffer.byteLength)]),
    (rule, fatal) => seen.refused.push([rule, fatal]),
  );
  const say = async (data: unknown, transfer: Transferable[] = []) => {
    port2.postMessage(data, transfer);
    const { port1: here, port2: there } = new MessageChannel(); // behind it in the same queue
    await new Promise((resolve) => {
      here.onmessage = resolve;
      there.postMessage(0);
    });
    here.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { seen, gate, say, end: () => (gate.close(), port2.close()) };
}

Deno.test("text passes, and text with buffers", async () => {
  const { seen, say, end } = gated();
  await say("{}");
  await say(["{}", new ArrayBuffer(4)]);
  end();
  deepStrictEqual(seen, { accepted: [["{}", []], ["{}", [4]]], refused: [] });
});

Deno.test("what is sent is moved, and of a part of a buffer that part alone", async () => {
  const { port1, port2 } = new MessageChannel();
  const gate = new Gate(port1, LIMITS, () => {}, () => {});
  const whole = new ArrayBuffer(4);
  const mine = new Uint8Array([1, 2, 3, 4]);
  const heard = new Promise<MessageEvent>((resolve) => port2.onmessage = resolve);
  gate.send("{}", [whole, mine.subarray(1, 3), new Uint8Array([5])]);
  const [text, ...buffers] = (await heard).data;
  gate.close();
  port2.close();
  deepStrictEqual([text, ...buffers.map((buffer: ArrayBuffer) => [...new Uint8Array(buffer)])], [
    "{}",
    [0, 0, 0, 0],
    [2, 3],
    [5],
  ]);
  deepStrictEqual([whole.byteLength, mine.length], [0, 4]);
});

Deno.test("more messages than were granted end it, whatever they hold", async () => {
  const { seen, gate, say, end } = gated();
  gate.grant(1);
  for (let i = 0; i < 6; i++) await say(i % 2 ? {} : "{}");
  end();
  deepStrictEqual(seen.accepted.length, 2);
  deepStrictEqual(seen.refused, [["not-text", false], ["not-text", false], ["overdraft", true]]);
});

const REFUSED: [string, unknown, string][] = [
  ["an object", { op: "init" }, "not-text"],
  ["a number", 7, "not-text"],
  ["a list without text", [new ArrayBuffer(1)], "not-text"],
  ["a long text", "x".repeat(101), "too-long"],
  ["a deep text", "[".repeat(5), "too-deep"],
  ["a view in place of a buffer", ["{}", new Uint8Array(1)], "not-a-buffer"],
  ["too many buffers", ["{}", new ArrayBuffer(0), new ArrayBuffer(0), new ArrayBuffer(0)], "too-many-buffers"],
  ["too many bytes", ["{}", new ArrayBuffer(6), new ArrayBuffer(5)], "too-many-bytes"],
];
for (const [what, data, rule] of REFUSED) {
  Deno.test(`${what} is refused, and the port stays`, async () => {
    const { seen, say, end } = gated();
    await say(data);
    await say("{}");
    end();
    deepStrictEqual(seen, { accepted: [["{}", []]], refused: [[rule, false]] });
  });
}

Deno.test("a port that is handed over ends it", async () => {
  const { seen, say, end } = gated();
  const { port1, port2 } = new MessageChannel();
  await say("{}", [port1]);
  await say("{}");
  end();
  port2.close();
  deepStrictEqual(seen, { accepted: [], refused: [["ports", true]] });
});

Deno.test("after close nothing is heard or said", async () => {
  const { seen, gate, say, end } = gated();
  gate.close();
  gate.send("late", []);
  await say("{}");
  end();
  deepStrictEqual(seen, { accepted: [], refused: [] });
});

const SHALLOW: [string, number, boolean][] = [
  ["", 0, true],
  ["[]", 0, false],
  ["[[[]]]", 3, true],
  ["[[[[]]]]", 3, false],
  ["[{}]", 2, true],
  ['{"a":[{"b":1}]}', 2, false],
  ["[],[],[],[]", 1, true],
  ['"[[[[[[["', 0, true],
  ['"a\\"[[["', 0, true], // an escaped quote does not end the text
  ['"a\\\\"[[', 1, false], // an escaped backslash does not hide the quote
  ['"never ends [[[', 0, true],
  ["]]]][[", 1, true], // unbalanced: what the parser refuses anyway
  ["[".repeat(4000), 32, false],
];
for (const [text, depth, expected] of SHALLOW) {
  Deno.test(`no deeper than ${depth}: ${text.slice(0, 20)} is ${expected}`, () =>
    strictEqual(isShallow(text, depth), expected));
}

Deno.test("a text of a million quotes and backslashes is scanned in linear time", () => {
  const quotes = '""'.repeat(500_000) + "[[";
  strictEqual(isShallow(quotes, 1), false);
});

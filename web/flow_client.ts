/**
 * The page's side of its flows: each run has one answer, by the flow's own deadline at the latest.
 *
 * The journal is kept here as well. Should the host die in the middle of a run, the next one goes on by it: what has
 * ended is not done again, and what had begun is not begun again.
 */
import type * as api from "./pysandbox.d.ts";
import { DEFAULT_BOOT_MS, FLOWS, GRACE_MS, HAND_OVER_MS, PAGE_MARGIN_MS, PREPARE_MS } from "./protocol.gen.ts";
import type { PagePort } from "./page_port.ts";
import { SandboxError } from "./sandbox_error.ts";

const MARGIN_MS = GRACE_MS + PAGE_MARGIN_MS;
const HEAR_MS = 40; // what had arrived before the last timer ran is heard within this
const NEVER_MS = 2 ** 31 - 1; // the longest that a timer can be set to; a run has one of its own

/** One run, through however many hosts. */
interface Run {
  order: Record<string, unknown>;
  cid: string;
  id: string;
  over: boolean;
  port?: PagePort;
  journal: api.FlowEvent[];
  onStep?: (event: api.FlowEvent) => void;
  /** The run has this long to answer, from now on. */
  within: (ms: number) => void;
}

export class Flows {
  readonly #runs = new Map<string, Run>(); // by the id that its host knows it by

  /** `port` leads to the host that is there, once it is; rejects where there will be none. */
  constructor(private readonly port: () => Promise<PagePort>) {}

  async run(flow: unknown, interaction: unknown, options: api.FlowOptions): Promise<api.FlowRun> {
    const { signal, webchat = {}, session = {}, flows = {}, queues = null, prepareMs = PREPARE_MS } = options;
    if (signal?.aborted) throw aborted();
    const others = Object.entries(flows).map(([name, other]) => [name, textOf(other)]);
    const data = textOf({ interaction, webchat, session });
    const order = { flow: textOf(flow), flows: Object.fromEntries(others), data, queues, prepareMs };
    return await new Promise<api.FlowRun>((resolve, reject) => {
      let timer = 0;
      const settle = <T>(tell: (told: T) => void) => (told: T) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#forget(run);
        run.over = true;
        tell(told);
      };
      const done = settle(resolve);
      const failed = settle(reject);
      const giveUp = (error: SandboxError) => {
        run.port?.tell("abort", { id: run.id, to: FLOWS });
        failed(error);
      };
      const abort = () => giveUp(aborted());
      const late = () => giveUp(new SandboxError("FLOW_DEADLINE", "the sandbox did not end the flow by its deadline"));
      const cid = String(options.correlationId ?? `flow-${crypto.randomUUID()}`); // the host says what is wrong with it
      const within = (ms: number) => {
        clearTimeout(timer);
        // In two steps, as for an invocation: see plugin_client.ts.
        timer = setTimeout(() => timer = setTimeout(late, HEAR_MS), ms + MARGIN_MS);
      };
      const run: Run = { order, cid, id: "", over: false, journal: [], onStep: options.onStep, within };
      signal?.addEventListener("abort", abort, { once: true });
      within((Number(prepareMs) || 0) + DEFAULT_BOOT_MS); // until the flow's own time begins
      this.#drive(run).then(done, failed);
    });
  }

  /** A host that dies is none that has answered: the next one is asked to go on. */
  async #drive(run: Run): Promise<api.FlowRun> {
    for (;;) {
      const port = run.port = await this.port();
      this.#forget(run);
      this.#runs.set(run.id = port.newId(), run);
      const journal = run.journal.map((event) => JSON.stringify(event)).join("\n");
      const payload = JSON.stringify({ ...run.order, journal });
      try {
        return await port.ask("run", { id: run.id, cid: run.cid, to: FLOWS, payload }, performance.now() + NEVER_MS);
      } catch (error) {
        if (run.over || !(error instanceof SandboxError && error.code === "HOST_CRASHED")) throw error;
      }
    }
  }

  /** Another run may have its id by now, in another host. */
  #forget(run: Run): void {
    if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
  }

  /** New events of a run's journal. */
  heard(id: string, payload: string): void {
    const run = this.#runs.get(id);
    if (!run) return; // given up
    const events: api.FlowEvent[] = JSON.parse(payload);
    run.journal.push(...events);
    for (const event of events) {
      if (event.event === "flowStarted") run.within(event.slaMs);
      if (event.event === "flowEnded") run.within(HAND_OVER_MS);
    }
    if (run.onStep) events.forEach((event) => run.onStep!(event));
  }
}

/** What is no JSON is refused here; what is no flow, or no data of one, by the host, which says all that is wrong. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    throw new SandboxError("INPUT_INVALID", `what a flow is run with has to be JSON: ${error}`);
  }
}

function aborted(): SandboxError {
  return new SandboxError("FLOW_ABORTED", "the caller gave the flow up");
}

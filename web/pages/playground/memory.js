// @ts-check
/** The plugin's memory over the last minutes, against what its manifest allows. */
import { chart } from "../dashboard/chart.js";
import { byId, el } from "../dashboard/dom.js";

const POINTS_KEPT = 240;
const LOOK_MS = 1000;
const MIB = 1048576;

/** @param {import("./session.js").Session} session @param {() => number | undefined} limitMB */
export function watchMemory(session, limitMB) {
  /** @type {{ at: number, used: number, peak: number }[]} */
  const points = [];
  const look = async () => {
    if (document.visibilityState === "hidden" || !session.plugin) return;
    const memory = await session.sandbox?.memory();
    const mine = memory?.plugins.find(({ pluginId }) => pluginId === session.plugin?.pluginId);
    if (!mine?.usedBytes) return;
    points.push({ at: Date.now() / 1000, used: mine.usedBytes / MIB, peak: mine.peakBytes / MIB });
    if (points.length > POINTS_KEPT) points.shift();
    const times = points.map(({ at }) => at);
    const lines = [
      { name: "in use", values: points.map(({ used }) => used) },
      { name: "peak", values: points.map(({ peak }) => peak) },
    ];
    byId("memory", HTMLElement).replaceChildren(
      chart("Of the plugin", "MiB", times, lines, [times[0], Math.max(times[times.length - 1], times[0] + 10)]),
      el("p", { class: "hint" }, `${mine.usedBytes / MIB < 10 ? (mine.usedBytes / MIB).toFixed(1) : Math.round(mine.usedBytes / MIB)} MiB of ${limitMB() ?? "–"} MiB, worker ${mine.generation}`));
  };
  const again = () => setTimeout(() => look().catch(() => null).finally(again), LOOK_MS); // closed meanwhile: later
  again();
}

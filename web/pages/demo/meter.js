// @ts-check
/**
 * The frame meter: what requestAnimationFrame saw. It counts real frames of this page, so whatever holds the page's
 * main thread shows as a long frame. Times are in milliseconds of the frames' own clock.
 */
import { byId } from "./dom.js";

const WINDOW_MS = 5000;
const FPS_WINDOW_MS = 1000;
const RATE_NEEDS_MS = 250;
export const LONG_FRAME_MS = 50; // the platform's own bound for a "long task"

/**
 * What the page's frames did over some time; `fps` is null when the time was too short for a rate.
 * @typedef {{ fps: number | null, longestMs: number, frames: number }} Span
 */

export class FrameMeter {
  /** @type {{ at: number, ms: number }[]} */
  #frames = [];
  #last = 0;
  #drawn = 0;
  /** @type {Set<(ms: number) => void>} */
  #observers = new Set();
  #chart = byId("meter-chart", HTMLCanvasElement);
  #fps = byId("meter-fps", HTMLElement);
  #longest = byId("meter-longest", HTMLElement);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #colours = readColours();

  start() {
    const ratio = Math.max(1, Math.min(3, Math.round(devicePixelRatio)));
    this.#chart.width *= ratio;
    this.#chart.height *= ratio;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = readColours();
    });
    document.addEventListener("visibilitychange", () => {
      this.#last = 0; // a hidden tab draws no frames: the gap is no slow frame
    });
    requestAnimationFrame((now) => this.#frame(now));
  }

  /**
   * Watches from now on; the returned function ends it and says what it saw.
   * @returns {() => Span}
   */
  observe() {
    let total = 0, frames = 0, longestMs = 0;
    const see = (/** @type {number} */ ms) => {
      frames += 1;
      total += ms;
      longestMs = Math.max(longestMs, ms);
    };
    this.#observers.add(see);
    return () => {
      this.#observers.delete(see);
      return { fps: total >= RATE_NEEDS_MS ? (1000 * frames) / total : null, longestMs, frames };
    };
  }

  /** @param {number} now */
  #frame(now) {
    if (this.#last) {
      const ms = now - this.#last;
      this.#frames.push({ at: now, ms });
      for (const see of this.#observers) see(ms);
    }
    this.#last = now;
    while (this.#frames.length && this.#frames[0].at < now - WINDOW_MS) this.#frames.shift();
    if (now - this.#drawn >= (this.#still.matches ? 1000 : 100)) {
      this.#drawn = now;
      this.#draw(now);
    }
    requestAnimationFrame((next) => this.#frame(next));
  }

  /** @param {number} now */
  #draw(now) {
    let recent = 0, recentMs = 0, longest = 0;
    for (const { at, ms } of this.#frames) {
      longest = Math.max(longest, ms);
      if (at > now - FPS_WINDOW_MS) {
        recent += 1;
        recentMs += ms;
      }
    }
    this.#fps.textContent = recentMs ? String(Math.round((1000 * recent) / recentMs)) : "–";
    this.#longest.textContent = longest ? String(Math.round(longest)) : "–";
    this.#longest.dataset.level = longest > LONG_FRAME_MS ? "bad" : "good";
    this.#plot(now);
  }

  /**
   * One column for each slice of time, as tall as the longest frame that covers it, on a logarithmic scale
   * (8 ms … 1 s): a block of one second is a wide wall, an ordinary frame a low line.
   * @param {number} now
   */
  #plot(now) {
    const pen = this.#chart.getContext("2d");
    if (!pen) return;
    const { width, height } = this.#chart;
    const columns = new Float64Array(width);
    for (const { at, ms } of this.#frames) {
      const to = width - 1 - Math.floor(((now - at) / WINDOW_MS) * width);
      const from = width - 1 - Math.floor(((now - at + ms) / WINDOW_MS) * width);
      for (let x = Math.max(0, from); x <= to; x++) columns[x] = Math.max(columns[x], ms);
    }
    pen.clearRect(0, 0, width, height);
    for (let x = 0; x < width; x++) {
      if (!columns[x]) continue;
      const part = Math.min(1, Math.max(0.06, Math.log(columns[x] / 8) / Math.log(1000 / 8)));
      pen.fillStyle = columns[x] > LONG_FRAME_MS ? this.#colours.bad : this.#colours.good;
      pen.fillRect(x, Math.round(height * (1 - part)), 1, height);
    }
  }
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  return { good: style.getPropertyValue("--good").trim(), bad: style.getPropertyValue("--bad").trim() };
}

/**
 * Holds the page's main thread, as a plugin would if it ran here: the control that shows the meter is honest.
 * @param {number} ms
 */
export function blockMainThread(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

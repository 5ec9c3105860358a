// The pixel that the model draws next, at the end the last one: the pixels around it that are drawn already, its probability
// of ink, and on the line from 0 to 1 the random number that decides between paper and ink.
import { paintPixels, pixelsAt } from "../canvas/paint.js";
import { atTemperature, inkProbability, isInk } from "../core/completion.js";
import { listen, setText } from "../core/dom.js";
import { colorName } from "./pixel-readout.js";

const SIDE = 7; // pixels, as the first layer of a PixelCNN reads
const MIDDLE = (SIDE - 1) / 2;

export function startNextPixel(store, root) {
  const { i18n } = store;
  const box = root.querySelector(".next-pixel"), heading = box.querySelector("h2");
  const [ink, outcome, line] = [".pixel-ink", ".pixel-outcome", ".number-line"].map((name) => box.querySelector(name));
  const canvas = Object.assign(box.querySelector("canvas"), { width: SIDE, height: SIDE });
  let painted = ""; // what the neighborhood shows, so that it is painted only if it changes

  function show() {
    const { completion } = store, { width } = store;
    const step = completion ? Math.min(store.step, completion.order.length - 1) : 0;
    const ready = Boolean(completion) && step < completion.ink.length;
    box.classList.toggle("idle", !ready);
    line.hidden = !ready || completion.levels !== 2;
    if (!ready) {
      setText(heading, i18n.t("pixel"));
      setText(ink, "");
      setText(outcome, i18n.t("pixel.none"));
      canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
      painted = "";
      return;
    }
    const pixel = completion.order[step];
    setText(heading, i18n.t("pixel.at", { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 }));
    showNumbers(completion, step);
    const state = `${store.selected} ${step} ${completion.seed} ${completion.ink.length}`;
    if (state !== painted) paintNeighborhood(store, canvas, completion, step);
    painted = state;
  }

  function showNumbers(completion, step) {
    const { temperature } = store.settings, noise = completion.noise[step], number = noise.toFixed(3);
    let p = inkProbability(completion, step);
    let color = colorName(i18n, completion, completion.ink[step]);
    if (Number.isNaN(p)) {
      setText(ink, i18n.t("pixel.gray", { percent: (100 * completion.probabilities[step]).toFixed(1), color }));
      setText(outcome, Number.isNaN(noise) ? "" : i18n.t("pixel.number", { number, color }));
      return;
    }
    if (store.temperatureChanged) { // the number stays, and the line between paper and ink moves
      p = atTemperature(p, completion.temperature, temperature);
      if (!Number.isNaN(noise)) color = i18n.t(noise >= 1 - p ? "player.ink" : "player.paper");
    }
    setText(ink, i18n.t("pixel.ink", { percent: (100 * p).toFixed(1) }));
    line.style.setProperty("--paper-share", `${100 * (1 - p)}%`);
    line.style.setProperty("--number", `${100 * noise}%`);
    line.classList.toggle("unnumbered", Number.isNaN(noise));
    line.classList.toggle("becomes-ink", isInk(completion.ink[step]));
    setText(outcome, i18n.t(Number.isNaN(noise) ? "pixel.flipped" : "pixel.number", { number, color }));
  }

  listen(store, ["position", "completions", "cleared", "settings"], show);
  i18n.addEventListener("changed", show);
  show();
}

function paintNeighborhood({ width, height }, canvas, completion, step) {
  const center = completion.order[step];
  const { ink } = pixelsAt(completion, step, { highlight: false });
  // The pixel of the picture at a cell; -1 outside of it.
  const pixelAt = (cell) => {
    const row = Math.floor(center / width) + Math.floor(cell / SIDE) - MIDDLE, column = (center % width) + (cell % SIDE) - MIDDLE;
    return row < 0 || column < 0 || row >= height || column >= width ? -1 : row * width + column;
  };
  const inkAt = (pixel) => {
    if (pixel < 0) return -1;
    if (completion.known[pixel]) return completion.knownInk[pixel];
    return ink[pixel];
  };
  paintPixels(canvas.getContext("2d"), {
    width: SIDE, height: SIDE, ink: (cell) => inkAt(pixelAt(cell)), known: (cell) => completion.known[pixelAt(cell)],
  });
}

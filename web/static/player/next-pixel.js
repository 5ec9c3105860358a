// The pixel that the model draws next, at the end the last one, or one that the visitor chose: the pixels around it that were
// drawn before it, its probability of ink, and on the line from 0 to 1 the random number that decides between paper and ink.
import { paintPixels, pixelsAt } from "../canvas/paint.js";
import { atTemperature, inkProbability, isInk } from "../core/completion.js";
import { listen, setText } from "../core/dom.js";
import { chosenPixel } from "./chosen-pixel.js";
import { colorName } from "./pixel-readout.js";

const SIDE = 7; // pixels, as the first layer of a PixelCNN reads
const MIDDLE = (SIDE - 1) / 2;

// Which pixel is shown: {kind, pixel, step}, where step is -1 for one of the drawing; null if there is none. kind: "chosen" by the
// visitor, "at" for the next one, or "last" for the one that was drawn last, where there is no next one.
export function shownPixel(store) {
  const { completion, step } = store, chosen = chosenPixel(store);
  if (chosen || !completion) return chosen && { kind: "chosen", ...chosen };
  const { order, ink } = completion;
  if (step < ink.length) return { kind: "at", pixel: order[step], step };
  return ink.length ? { kind: "last", pixel: order[ink.length - 1], step: ink.length - 1 } : null;
}

export function startNextPixel(store, root) {
  const { i18n } = store;
  const box = root.querySelector(".next-pixel"), heading = box.querySelector("h2");
  const [ink, outcome, line] = [".pixel-ink", ".pixel-outcome", ".number-line"].map((name) => box.querySelector(name));
  const canvas = Object.assign(box.querySelector("canvas"), { width: SIDE, height: SIDE });
  let painted = ""; // what the neighborhood shows, so that it is painted only if it changes

  function show() {
    const { completion, width } = store, shown = shownPixel(store);
    box.classList.toggle("idle", !shown);
    box.classList.toggle("drawn", Boolean(shown) && shown.kind !== "at");
    line.hidden = !shown || shown.step < 0 || completion.levels !== 2;
    if (!shown) {
      setText(heading, i18n.t("pixel"));
      setText(ink, "");
      setText(outcome, i18n.t("pixel.none"));
      canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
      painted = "";
      return;
    }
    const { kind, pixel, step } = shown;
    setText(heading, i18n.t(`pixel.${kind}`, { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 }));
    if (step < 0) showKnown(completion, pixel);
    else showNumbers(completion, step, kind);
    const state = `${store.selected} ${kind} ${pixel} ${completion.seed} ${completion.ink.length}`;
    if (state !== painted) paintNeighborhood(store, canvas, completion, pixel, kind === "at" ? step : step + 1);
    painted = state;
  }

  // A pixel of the drawing, and the probability that the model gave it.
  function showKnown(completion, pixel) {
    const bits = completion.knownBits[completion.knownOrder.indexOf(pixel)];
    const color = colorName(i18n, completion, completion.knownInk[pixel]), percent = (100 * 2 ** -bits).toFixed(1);
    setText(ink, bits === undefined ? "" : i18n.t("pixel.gray", { percent, color }));
    setText(outcome, i18n.t("pixel.known", { color }));
  }

  function showNumbers(completion, step, kind) {
    const { temperature } = store.settings, noise = completion.noise[step], number = noise.toFixed(3);
    let p = inkProbability(completion, step);
    let color = colorName(i18n, completion, completion.ink[step]);
    if (Number.isNaN(p)) {
      setText(ink, i18n.t("pixel.gray", { percent: (100 * completion.probabilities[step]).toFixed(1), color }));
      setText(outcome, Number.isNaN(noise) ? "" : i18n.t("pixel.number", { number, color }));
      return;
    }
    if (store.temperatureChanged && kind === "at") { // the number stays, and the line between paper and ink moves
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

// The pixels around `center` at a step.
function paintNeighborhood({ width, height }, canvas, completion, center, step) {
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

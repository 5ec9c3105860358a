// What the model predicted for the pixel that the user selected, and the button that flips it.
import { inkProbability, isInk } from "../core/completion.js";
import { narrowScreen } from "../core/dom.js";

export function startPixelReadout(store, root) {
  const { width, i18n } = store;
  const box = root.querySelector(".pixel-readout");
  const text = box.querySelector(".readout-text"), flipButton = box.querySelector(".flip");
  let pixel = null; // the selected pixel

  function show() {
    const { completion } = store;
    const index = completion && pixel !== null ? completion.order.indexOf(pixel) : -1;
    const knownIndex = completion && pixel !== null && index < 0 ? completion.knownOrder.indexOf(pixel) : -1;
    box.hidden = knownIndex < 0 && (index < 0 || index >= store.step);
    if (box.hidden) return;
    flipButton.hidden = knownIndex >= 0;
    text.textContent = knownIndex >= 0 ? knownText(completion, knownIndex) : sampledText(completion, index);
  }

  const place = () => ({ row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 });

  function knownText({ knownBits }, index) {
    const bits = knownBits[index], percent = (100 * 2 ** -bits).toFixed(1);
    return i18n.t("player.readout_known", { ...place(), percent, bits: bits.toFixed(2) });
  }

  function sampledText(completion, index) {
    const p = inkProbability(completion, index), gray = Number.isNaN(p);
    const percent = (100 * (gray ? completion.probabilities[index] : p)).toFixed(1);
    const bits = completion.bits[index].toFixed(2);
    const color = colorName(i18n, completion, completion.ink[index]);
    return i18n.t(gray ? "player.readout_gray" : "player.readout", { ...place(), percent, bits, color });
  }

  // Flips a pixel of the model and continues from there in a branch: the selected pixel, or the last one shown.
  function flip() {
    if (!store.completion) return;
    const index = pixel === null ? store.step - 1 : store.completion.order.indexOf(pixel);
    if (index < 0 || index >= store.completion.ink.length) return;
    pixel = null;
    store.branch(store.selected, index, { flip: true });
  }

  flipButton.addEventListener("click", flip);
  store.addEventListener("pixel-selected", (event) => {
    pixel = event.detail;
    store.emit("position");
    const panelInView = narrowScreen() && root.classList.contains("with-panel"); // it would be moved away
    if (!box.hidden && !panelInView) box.scrollIntoView({ block: "nearest" });
  });
  for (const name of ["request", "cleared"]) {
    store.addEventListener(name, () => {
      pixel = null;
    });
  }
  return { show, flip };
}

// The name of a level of ink.
export function colorName(i18n, completion, ink) {
  if (completion.levels > 2) return i18n.t("player.gray", { level: ink });
  return i18n.t(isInk(ink) ? "player.ink" : "player.paper");
}

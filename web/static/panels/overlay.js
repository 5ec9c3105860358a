// Overlays over the canvas: what the model may draw (mean and entropy of several completions), how surprising each pixel
// was, and where the model looks for the next pixel.
import { entropy } from "../core/completion.js";
import { listen, make, setText } from "../core/dom.js";
import { receptiveFieldOf } from "./receptive-field.js";

const COLORS = { mean: [217, 72, 15], entropy: [95, 61, 196], surprise: [11, 114, 133], receptive_field: [24, 100, 171] };
const NAMES = ["none", ...Object.keys(COLORS)];
const NEEDS_SEVERAL = ["mean", "entropy"]; // computed over several completions
const MIN_COMPLETIONS = 4; // a mean of fewer shows the completion itself
const MORE_COMPLETIONS = 16; // what the button requests
const MAX_BITS = 6; // a surprise at the end of the scale

// The completions of the same request and model as the one on the canvas, over which a mean can be taken.
function comparableCompletions({ completion, completions }) {
  const fields = ["model", "branchStep", "temperature"];
  return completions.filter((each) => fields.every((field) => each[field] === completion[field]));
}

// The share of ink at each pixel that is not shown yet, 0..1; 0 elsewhere.
function meanAhead(store) {
  const { size, step, available, completion } = store;
  const mean = new Float32Array(size), completions = comparableCompletions(store);
  for (let index = step; index < Math.min(available, completion.order.length); index++) {
    const total = completions.reduce((inkSum, each) => inkSum + each.ink[index], 0);
    mean[completion.order[index]] = total / completions.length / 255;
  }
  return mean;
}

// The surprise of every pixel that is known or shown, as a share of the scale.
function surprises({ size, step, completion }) {
  const bits = new Float32Array(size);
  completion.knownOrder.forEach((pixel, index) => (bits[pixel] = completion.knownBits[index]));
  for (let index = 0; index < step; index++) bits[completion.order[index]] = completion.bits[index];
  return bits.map((value) => Math.min(1, value / MAX_BITS));
}

export function startOverlay(store, box) {
  const { i18n } = store;
  const page = box.closest(".page");
  const buttons = NAMES.map((name) => {
    const onclick = () => store.selectOverlay(name);
    return make("button", { type: "button", "data-overlay": name, i18n: `overlay.${name}`, onclick });
  });
  const note = make("p", { class: "overlay-note", "aria-live": "polite" });
  const more = make("button", {
    type: "button", class: "overlay-more", i18n: "overlay.complete_more", onclick: completeMore,
  });
  const scale = makeScale(i18n);
  let field = null; // {key, strength}: the receptive field that was requested last

  const row = make("div", { class: "overlay-buttons", role: "group", i18nLabel: "overlay" }, buttons);
  box.append(row, scale.box, note, more);

  function completeMore() {
    const { model, seed, temperature } = store.completion;
    store.complete({ paused: true, overrides: { samples: MORE_COMPLETIONS, model, secondModel: "", seed, temperature } });
  }

  const completionCount = () => (store.completion ? comparableCompletions(store).length : 0);
  const tooFew = () => NEEDS_SEVERAL.includes(store.overlayName) && completionCount() < MIN_COMPLETIONS;

  async function show() {
    const name = store.overlayName, count = completionCount(), few = tooFew();
    page.dataset.overlay = name; // the tab shows it if the panel is closed
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.overlay === name);
    more.hidden = !few || !count;
    const key = !store.completion && name !== "none" ? "no_completion" : few ? "too_few" : `${name}_note`;
    setText(note, i18n.t(`overlay.${key}`, { count }));
    scale.show(store.completion && !few ? name : "none");
    update();
    if (name === "receptive_field" && store.completion && !store.playing) await requestReceptiveField();
  }

  function update() {
    store.overlay = store.completion ? currentOverlay() : null;
  }

  function currentOverlay() {
    const color = COLORS[store.overlayName];
    if (tooFew()) return null;
    switch (store.overlayName) {
      case "mean": return { color, strength: meanAhead(store) };
      case "entropy": return { color, strength: meanAhead(store).map(entropy) };
      case "surprise": return { color, strength: surprises(store) };
      case "receptive_field": return field && { color, strength: field.strength };
      default: return null;
    }
  }

  // Requests the receptive field of the next pixel, or of the last one at the end. Only while the player is paused.
  async function requestReceptiveField() {
    const { completion } = store;
    const pixel = completion.order[Math.min(store.step, completion.order.length - 1)], key = `${completion.model} ${pixel}`;
    if (field?.key === key) return;
    note.textContent = i18n.t("receptive_field.loading");
    const strength = await receptiveFieldOf(completion.model, pixel).catch(() => null);
    if (store.overlayName !== "receptive_field") return;
    note.textContent = i18n.t(strength ? "overlay.receptive_field_note" : "about.no_response");
    if (!strength || store.completion !== completion) return;
    field = { key, strength: Float32Array.from(strength, (value) => value / 255) };
    update();
    store.emit("overlay");
  }

  listen(store, ["overlay-selected", "position", "completions", "cleared"], show);
  store.addEventListener("before-position", update);
  i18n.addEventListener("changed", show);
  show();
}

// The color scale, from transparent to full color, with the meaning of its ends.
function makeScale(i18n) {
  const min = make("span"), ramp = make("i"), max = make("span");
  const box = make("p", { class: "overlay-scale" }, min, ramp, max);
  function show(name) {
    box.hidden = name === "none";
    if (box.hidden) return;
    min.textContent = i18n.t(`overlay.${name}_min`);
    max.textContent = i18n.t(`overlay.${name}_max`, { bits: MAX_BITS });
    ramp.style.color = `rgb(${COLORS[name]})`;
  }
  return { box, show };
}

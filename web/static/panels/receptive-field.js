// The receptive-field panel: the masks of the PixelCNN paper, and the receptive fields of two models for one pixel.
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";
import { fromHex } from "../core/hex.js";
import { entryOfKind } from "../core/models.js";

const PIXEL = [217, 72, 15], BLIND = [255, 212, 59], FAR = [203, 213, 225]; // RGB
const SEEN = [24, 100, 171], NOT_SEEN = [250, 248, 243];
const FOLLOW_DELAY_MS = 120;

const cache = new Map(); // the answers do not change while the page is open

// How much a model's prediction of a pixel depends on every other pixel, 0..255 each, from its gradient.
export function receptiveFieldOf(model, pixel) {
  const key = `${model} ${pixel}`;
  if (!cache.has(key)) {
    const path = `receptive-field?model=${encodeURIComponent(model)}&pixel=${pixel}`;
    const answer = fetchJson(path).then(({ magnitudes }) => fromHex(magnitudes, 2));
    cache.set(key, answer);
    answer.catch(() => cache.delete(key));
  }
  return cache.get(key);
}

// The entries to compare: a PixelCNN, and a model without a blind spot.
export function comparedEntries(models) {
  const withoutBlindSpot = entryOfKind(models, "gated_pixelcnn") ?? entryOfKind(models, "freeform");
  return [entryOfKind(models, "pixelcnn"), withoutBlindSpot].filter((entry) => entry !== undefined);
}

// Mask A or B (1601.06759, Fig. 2) as a grid: the pixels it reads, and its center.
function mask(size, readsCenter) {
  const middle = (size * size - 1) / 2;
  const cells = Array.from({ length: size * size }, (_, index) => {
    const names = { center: index === middle, reads: index < middle || (index === middle && readsCenter) };
    return make("i", { class: Object.keys(names).filter((name) => names[name]).join(" ") });
  });
  return make("div", { class: "mask", style: `grid-template-columns: repeat(${size}, 1fr)`, "aria-hidden": "true" }, cells);
}

// The pixels before `pixel` that a model does not see: in its blind spot, or farther up or sideways than any pixel it sees.
function missedPixels(strength, pixel, width) {
  const blind = new Set(), far = new Set();
  const rowsUp = (other) => Math.floor(pixel / width) - Math.floor(other / width);
  const columnsAside = (other) => Math.abs((other % width) - (pixel % width));
  const before = Array.from({ length: pixel }, (_, other) => other), seen = before.filter((other) => strength[other]);
  const maxUp = Math.max(0, ...seen.map(rowsUp)), maxAside = Math.max(0, ...seen.map(columnsAside));
  for (const other of before) {
    if (strength[other]) continue;
    (rowsUp(other) <= maxUp && columnsAside(other) <= maxAside ? blind : far).add(other);
  }
  return { blind, far };
}

// strength: null if the server did not respond.
function describe(i18n, model, pixel, strength, { blind, far }) {
  if (!strength) return i18n.t("about.no_response");
  const count = blind.size + far.size;
  const key = count ? "receptive_field.misses" : "receptive_field.sees_all";
  return i18n.t(key, { model, count, all: pixel, blind: blind.size, far: far.size });
}

// A model's receptive field as a picture.
function figureOf({ width, height, i18n }, model, pixel, strength, missed) {
  const { blind, far } = missed;
  const label = describe(i18n, model, pixel, strength, missed);
  const canvas = make("canvas", { width, height, role: "img", "aria-label": label });
  const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
  for (let other = 0; other < width * height; other++) {
    const share = strength ? strength[other] / 255 : 0;
    const seen = NOT_SEEN.map((value, channel) => value + share * (SEEN[channel] - value));
    const color = other === pixel ? PIXEL : blind.has(other) ? BLIND : far.has(other) ? FAR : seen;
    picture.data.set([...color, other > pixel ? 90 : 255], 4 * other);
  }
  context.putImageData(picture, 0, 0);
  const counts = { "data-unseen": strength ? blind.size + far.size : "?", "data-blind": blind.size };
  return make("figure", { "data-model": model, ...counts }, canvas, make("figcaption", {}, model));
}

export function startReceptiveField(store, box) {
  const { i18n, width, height } = store;
  const captioned = (content, key) => make("figure", {}, content, make("figcaption", { i18n: key }));
  const masks = make("div", { class: "masks" },
    captioned(mask(7, false), "receptive_field.mask_a"), captioned(mask(3, true), "receptive_field.mask_b"));
  const fields = make("div", { class: "fields" });
  const note = make("p", { "aria-live": "polite" });
  const slider = make("input", {
    type: "range", min: 0, max: width * height - 1, i18nLabel: "receptive_field.pixel",
    oninput: () => show(Number(slider.value)),
  });
  const paragraph = (key) => make("p", { i18n: key });
  box.append(paragraph("receptive_field.lead"), masks, paragraph("receptive_field.comparison"), fields, slider, note);
  const initial = Math.floor(0.64 * height) * width + Math.floor(0.43 * width); // a pixel with a blind spot
  let pixel = initial, requests = 0, timer = 0;

  async function show(number) {
    pixel = number;
    slider.value = pixel;
    const position = { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 };
    slider.setAttribute("aria-valuetext", i18n.t("receptive_field.position", position));
    note.textContent ||= i18n.t("receptive_field.loading");
    const models = comparedEntries(store.facts.models), request = ++requests;
    const strengths = await Promise.all(models.map((model) => receptiveFieldOf(model, pixel).catch(() => null)));
    if (request !== requests) return; // another pixel was chosen meanwhile
    const results = models.map((model, index) => {
      const strength = strengths[index];
      const missed = strength ? missedPixels(strength, pixel, width) : { blind: new Set(), far: new Set() };
      return [model, pixel, strength, missed];
    });
    fields.replaceChildren(...results.map((result) => figureOf(store, ...result)));
    note.textContent = results.map((result) => describe(i18n, ...result)).join(" ");
  }

  // Follows the player: shows the next pixel while it is paused, and the initial pixel at its end.
  function follow() {
    clearTimeout(timer);
    if (box.hidden || store.playing) return;
    const next = store.completion?.order[store.step] ?? initial;
    if (next !== pixel || !fields.children.length) timer = setTimeout(() => show(next), FOLLOW_DELAY_MS);
  }

  store.addEventListener("position", follow);
  i18n.addEventListener("changed", () => box.hidden || show(pixel));
  return { shown: follow };
}

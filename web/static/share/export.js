// Files to download: the canvas as PNG, the completions as an animated GIF, and their probabilities as JSON.
import { fetchBlob } from "../core/api.js";
import { sum } from "../core/completion.js";
import { toHex } from "../core/hex.js";

const PNG_SIZE = 896; // approximate width in screen pixels
const UNKNOWN_COLOR = "#e5dfd2"; // of pixels that are not filled yet
const REVOKE_MS = 10000; // some browsers start a download late

// The canvas as a PNG, enlarged. canvas: one screen pixel per picture pixel.
export function toPng(canvas) {
  const enlarged = document.createElement("canvas"), zoom = Math.max(1, Math.round(PNG_SIZE / canvas.width));
  Object.assign(enlarged, { width: canvas.width * zoom, height: canvas.height * zoom });
  const context = enlarged.getContext("2d");
  context.fillStyle = UNKNOWN_COLOR;
  context.fillRect(0, 0, enlarged.width, enlarged.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, enlarged.width, enlarged.height);
  return new Promise((resolve) => enlarged.toBlob(resolve, "image/png"));
}

// The completions side by side, pixel by pixel. The server makes the GIF.
export function toGif({ width, height, completions }) {
  // Completions of the same request share their known pixels.
  const parts = [...new Set(completions.map((completion) => completion.knownInk))].map((knownInk) => {
    const group = completions.filter((completion) => completion.knownInk === knownInk), [{ known, order }] = group;
    return { drawing: { ink: toHex(knownInk), known: known.join("") }, order, drawn: group.map(({ ink }) => toHex(ink)) };
  });
  return fetchBlob("gif", { width, height, parts });
}

// The answers of /complete for the completions, as far as they are available: one object, or a list of one for each model
// and each request.
export function toAnswers({ width, height, completions }) {
  const fields = ["model", "seed", "temperature", "digit", "order"], groups = new Map();
  for (const completion of completions) {
    const key = JSON.stringify(fields.map((name) => completion[name]));
    groups.set(key, [...(groups.get(key) ?? []), completion]);
  }
  const answers = [...groups.values()].map((group) => toAnswer({ width, height }, group));
  return answers.length === 1 ? answers[0] : answers;
}

// The answer of /complete with these completions of one request.
function toAnswer({ width, height }, group) {
  const [{ model, seed, levels, temperature, digit, order, knownOrder, knownBits }] = group;
  const length = Math.min(...group.map((each) => each.ink.length));
  const level = (ink) => Math.round((ink * (levels - 1)) / 255);
  const rowAndColumn = (pixel) => [Math.floor(pixel / width), pixel % width];
  const images = group.map(({ knownInk, known, order: pixels, ink }) => {
    const image = Array.from(knownInk, (value, pixel) => (known[pixel] ? level(value) : 0));
    for (let step = 0; step < length; step++) image[pixels[step]] = level(ink[step]);
    return Array.from({ length: height }, (_, row) => image.slice(row * width, (row + 1) * width));
  });
  const rounded = (value) => (Number.isNaN(value) ? null : Number(value.toFixed(5)));
  return {
    model, seed, levels, temperature, digit, images,
    nats: group.map(({ nats, bits }) => nats ?? rounded(sum(bits, length) * Math.LN2)),
    digits: group.map(({ sampledDigit }) => sampledDigit),
    order: order.slice(0, length).map(rowAndColumn),
    probabilities: group.map(({ probabilities }) => Array.from(probabilities.slice(0, length), rounded)),
    known_order: knownOrder.map(rowAndColumn),
    known_probabilities: Array.from(knownBits, (bits) => rounded(2 ** -bits)),
  };
}

// Offers a file as a download.
export function download(blob, name) {
  const link = document.createElement("a"), address = URL.createObjectURL(blob);
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), REVOKE_MS);
}

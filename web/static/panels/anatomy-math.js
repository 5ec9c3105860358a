// What the anatomy panel computes: which pixel it is about, and how the level of that pixel follows from its random number.
import { drawingAt, inkProbability, parentOf } from "../core/completion.js";
import { toHex } from "../core/hex.js";

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// The step whose pixel is explained while the player is at `step`: the next one, or at the end the most surprising one.
// -1 if it is not sampled yet.
export function explainedStep({ order, ink, bits }, step) {
  if (step >= order.length) return bits.reduce((best, value, index) => (value > bits[best] ? index : best), 0);
  return step < ink.length ? step : -1;
}

// The completion that sampled the pixel of a step: this one, or one that it left as a branch later.
function ownerOf(completion, step) {
  const parent = parentOf(completion);
  return parent && step < completion.branchStep ? ownerOf(parent, step) : completion;
}

export const temperatureAt = (completion, step) => ownerOf(completion, step).temperature;

// Whether the pixel of a step has a value that the user gave it.
export function isFlipped(completion, step) {
  const { flipped, branchStep } = ownerOf(completion, step);
  return Boolean(flipped) && branchStep === step;
}

// The body of a request to /anatomy.
export function anatomyRequest(completion, pixel, temperature) {
  const { model, known, seed, sample, sampledDigit } = completion;
  const { ink } = drawingAt(completion, completion.ink.length, false);
  const drawing = { ink: toHex(ink), known: Array.from(known).join("") };
  return { model, drawing, pixel, temperature, seed, digit: sampledDigit, first_sample: sample };
}

// The probability of every level at a temperature. More than two levels have those of the answer, for its temperature.
export function probabilitiesAt({ prediction, probabilities }, temperature) {
  if (probabilities.length > 2) return probabilities;
  return [sigmoid(-prediction / temperature), sigmoid(prediction / temperature)];
}

// The level that a random number in [0, 1) selects, and the part of the unit line that selects it: {level, from, to}.
export function selectedLevel(probabilities, noise) {
  let level = 0, from = 0;
  while (level < probabilities.length - 1 && noise >= from + probabilities[level]) from += probabilities[level++];
  return { level, from, to: level === probabilities.length - 1 ? 1 : from + probabilities[level] };
}

const CERTAIN = 0.001; // a probability this close to 0 or 1: the random number has no other side to be dragged to
const UNCERTAIN = 0.05;

export const nearlyCertain = (p) => Math.min(p, 1 - p) < CERTAIN;

// The pixel among the first `end` of a completion that is nearest to another one and could well have become the other value;
// -1 if there is none. For two levels.
export function nearestUncertain(completion, pixel, end, width) {
  const distance = (other) => Math.hypot(Math.floor(other / width) - Math.floor(pixel / width), (other % width) - (pixel % width));
  const found = completion.order.slice(0, Math.min(end, completion.ink.length)).filter((other, step) => {
    const p = inkProbability(completion, step);
    return other !== pixel && Math.min(p, 1 - p) >= UNCERTAIN;
  });
  return found.reduce((best, other) => (best < 0 || distance(other) < distance(best) ? other : best), -1);
}

// What pushed the prediction up and down: {up, down}, each with the strongest pixel, its push, and the sum of all.
export function pushes(attribution) {
  const side = (sign) => {
    const values = attribution.map((value) => Math.max(0, sign * value)), strongest = Math.max(...values);
    return { pixel: values.indexOf(strongest), strongest, total: values.reduce((total, value) => total + value, 0) };
  };
  return { up: side(1), down: side(-1) };
}

// The curve p = sigmoid(logit / temperature), as points [logit, p].
export function sigmoidCurve(temperature, limit, parts = 64) {
  return Array.from({ length: parts + 1 }, (_, index) => {
    const logit = limit * ((2 * index) / parts - 1);
    return [logit, sigmoid(logit / temperature)];
  });
}

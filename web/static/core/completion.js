// One completion of the drawing, pixel by pixel. Plain objects and pure functions.
//
//   model, seed, temperature, digit, levels   the request; `digit` may be a ClassChoice
//   sample                                    the number of this completion among those with the same seed
//   knownInk, known         the drawing as the model sees it, 0..255 a pixel, and 0 or 1 a pixel
//   order                   the unknown pixels in the order of sampling
//   ink, probabilities, bits   of the sampled pixels in that order: 0..255; the probability of the level drawn, at the
//                           temperature used; its surprise, -log2 p, at temperature 1
//   knownOrder, knownBits   the known pixels whose surprise the model reports, and that surprise
//   sampledDigit            the digit that conditions this completion, requested or sampled first; -1 for none
//   nats                    of all unknown pixels; null before the completion is finished
//   steps, ms, batch        the cost: model steps, milliseconds, and completions that share them
//   branchStep              the step at which this completion leaves another one, 0 if it does not
//   flipped                 whether it begins with the other value of that pixel
import { fromHex } from "./hex.js";

const parents = new WeakMap(); // branch -> the completion that it leaves

// The completion that a branch leaves; undefined for one that was sampled directly.
export const parentOf = (completion) => parents.get(completion);
export const setParent = (completion, parent) => parents.set(completion, parent);

// What `digit` can be instead of a digit.
export const ClassChoice = Object.freeze({
  NONE: -1, // no class condition
  SAMPLED: -2, // sample the class first, from p(digit | known pixels)
});

export const TEMPERATURES = Object.freeze({ min: 0.1, max: 3, step: 0.05 }); // that the page offers

const MIN_PROBABILITY = 1e-5; // the server sends probabilities in steps of 1/65535

// Ink rounded to a number of levels.
export const quantize = (value, levels) => (Math.floor((value * (levels - 1)) / 255 + 0.5) * 255) / (levels - 1);

// The completions of a server message. parts: of the request.
export function readAnswer(message, parts) {
  return message.parts.flatMap((part) => {
    const request = { ...parts[part.part], known: Uint8Array.from(parts[part.part].known) };
    const knownInk = (value, pixel) => (request.known[pixel] ? quantize(value, part.levels) : 0);
    return readCompletions(part, { ...request, knownInk: Uint8Array.from(request.ink, knownInk) });
  });
}

// The completions of one part of a server message. request: the part of the request that it answers.
export function readCompletions(part, request) {
  return part.drawn.map((drawn, index) => ({
    ...request,
    levels: part.levels,
    sample: (request.first_sample ?? 0) + index,
    order: part.order,
    ink: fromHex(drawn, 2),
    probabilities: Float32Array.from(fromHex(part.given[index], 4), (value) => value / 65535),
    bits: Float32Array.from(fromHex(part.bits[index], 4), (value) => value / 1000),
    knownOrder: part.known_order,
    knownBits: Float32Array.from(fromHex(part.known_bits, 4), (value) => value / 1000),
    nats: part.nats.length ? part.nats[index] : null,
    sampledDigit: part.digits[index],
    branchStep: 0,
    steps: part.steps,
    ms: part.ms,
    batch: part.drawn.length,
  }));
}

export const isFinished = (completion) => completion.ink.length === completion.order.length;

export const isInk = (value) => value >= 128;

// A probability of a choice between two levels at another temperature.
export function atTemperature(p, from, to) {
  const clamped = Math.min(1 - MIN_PROBABILITY, Math.max(MIN_PROBABILITY, p));
  return 1 / (1 + Math.exp((-Math.log(clamped / (1 - clamped)) * from) / to));
}

// The probability of ink at a step, for two levels; NaN if there are more levels or the step is not available.
export function inkProbability(completion, step) {
  if (completion.levels !== 2 || step >= completion.probabilities.length) return NaN;
  return isInk(completion.ink[step]) ? completion.probabilities[step] : 1 - completion.probabilities[step];
}

// A completion before `step`, as a drawing to continue from: {ink, known}. With `flip`, the pixel of that step is
// known too, with its other value.
export function drawingAt(completion, step, flip) {
  const ink = completion.knownInk.slice(), known = completion.known.slice();
  for (let index = 0; index < step + (flip ? 1 : 0); index++) {
    const flipped = flip && index === step;
    ink[completion.order[index]] = flipped ? 255 - completion.ink[index] : completion.ink[index];
    known[completion.order[index]] = 1;
  }
  return { ink, known };
}

// A branch as one completion: the pixels of `parent` before `step`, the flipped pixel if any, and the continuation.
export function joinBranch(parent, step, flip, continuation) {
  const binary = parent.levels === 2;
  const p = binary ? Math.max(MIN_PROBABILITY, 1 - 2 ** -parent.bits[step]) : NaN;
  const flipped = {
    ink: 255 - parent.ink[step],
    probabilities: binary ? 1 - parent.probabilities[step] : NaN,
    bits: -Math.log2(p),
  };
  const join = (field, type) =>
    type.from([...parent[field].slice(0, step), ...(flip ? [flipped[field]] : []), ...continuation[field]]);
  const { knownInk, known, order, knownOrder, knownBits } = parent;
  const branch = {
    ...continuation,
    knownInk, known, order, knownOrder, knownBits,
    ink: join("ink", Uint16Array),
    probabilities: join("probabilities", Float32Array),
    bits: join("bits", Float32Array),
    branchStep: step,
    flipped: flip,
    nats: null,
  };
  setParent(branch, parent);
  return branch;
}

export const sum = (list, end = list.length) => list.slice(0, end).reduce((total, value) => total + value, 0);

// Bits of the choice between ink and paper with probability p.
export const entropy = (p) => (p <= 0 || p >= 1 ? 0 : -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p)));

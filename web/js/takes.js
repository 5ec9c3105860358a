// A take: one picture as it is filled. Plain objects and pure functions of them.
//
//   model, seed, temperature, digit, levels, sample    what was asked
//   yours: ink of the drawing as the model saw it; known: 0 or 1 a pixel; order: the unknown pixels as they are filled
//   ink, given, bits: of the filled pixels in that order: 0..255, probability given at the temperature, surprise at 1
//   yoursOrder, yoursBits: the known pixels of which the model says how probable they were
//   drew: the digit that it was told to draw, or that was drawn first, -1 for none
//   nats: of the whole, once it is; from: the step at which it left another take; steps, ms: what it cost
//   branches: [step, flip, temperature] of every turn since the take `root`, a sample, asked for with rootTemperature, rootDigit
import { numbers } from "./dom.js";

export const ANY = -1, DRAWN = -2; // in place of a digit: none is told, or one is drawn first, by the odds
const CERTAIN = 1e-5; // probabilities are told in 1/65535

// The takes of one part of a message; `asked` is the request that it answers.
export function takesOf(part, asked) {
  return part.drawn.map((drawn, sample) => ({
    ...asked,
    levels: part.levels,
    sample,
    order: part.order,
    ink: numbers(drawn, 2),
    given: Float32Array.from(numbers(part.given[sample], 4), (value) => value / 65535),
    bits: Float32Array.from(numbers(part.bits[sample], 4), (value) => value / 1000),
    yoursOrder: part.known_order,
    yoursBits: Float32Array.from(numbers(part.known_bits, 4), (value) => value / 1000),
    nats: part.nats.length ? part.nats[sample] : null,
    drew: part.digits[sample],
    from: 0,
    steps: part.steps,
    ms: part.ms,
  }));
}

// p at another temperature, of a choice between two; from and to are temperatures.
export function retempered(p, from, to) {
  const sure = Math.min(1 - CERTAIN, Math.max(CERTAIN, p));
  return 1 / (1 + Math.exp((-Math.log(sure / (1 - sure)) * from) / to));
}

export const black = (value) => value >= 128;

// The probability of ink that a step was given, for takes of two levels; NaN where nobody can say.
export function inkOdds(take, step) {
  if (take.levels !== 2 || step >= take.given.length) return NaN;
  return black(take.ink[step]) ? take.given[step] : 1 - take.given[step];
}

// What a take looked like before `step`, as a drawing to go on from: {ink, known}. With `flip`, one pixel more, the other way.
export function drawingAt(take, step, flip) {
  const ink = take.yours.slice(), known = take.known.slice();
  for (let place = 0; place < step + (flip ? 1 : 0); place++) {
    const turned = flip && place === step;
    ink[take.order[place]] = turned ? 255 - take.ink[place] : take.ink[place];
    known[take.order[place]] = 1;
  }
  return { ink, known };
}

// The take that left `parent` at `step`: what was before it, the flipped pixel if there is one, and then its own.
export function grafted(parent, step, flip, own) {
  const join = (kind, list) => list.from([...parent[kind].slice(0, step), ...(flip ? [turned[kind]] : []), ...own[kind]]);
  const two = parent.levels === 2;
  const p = two ? Math.max(CERTAIN, 1 - 2 ** -parent.bits[step]) : NaN;
  const turned = { ink: 255 - parent.ink[step], given: two ? 1 - parent.given[step] : NaN, bits: -Math.log2(p) };
  const { yours, known, order, yoursOrder, yoursBits } = parent;
  const branches = [...(parent.branches ?? []), [step, flip, own.temperature]];
  const root = parent.root ?? parent.sample, rootTemperature = parent.rootTemperature ?? parent.temperature;
  const rootDigit = parent.rootDigit ?? parent.digit;
  const parts = { ink: join("ink", Uint16Array), given: join("given", Float32Array), bits: join("bits", Float32Array) };
  return { ...own, ...parts, yours, known, order, yoursOrder, yoursBits, from: step, flipped: flip, branches, root, rootTemperature, rootDigit, nats: null };
}

export const sum = (list, until = list.length) => list.slice(0, until).reduce((total, value) => total + value, 0);

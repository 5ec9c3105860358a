// Which pixels a quiz asks about, and what an answer costs. Plain functions; no page.
import { entropy } from "./lens.js";
import { inkOdds } from "./takes.js";

export const TEN = 10;
export const EASY = 3; // of ten

// How probable somebody says ink is, from "surely paper" to "surely ink". Nobody may say 0: it could cost everything.
export const GUESSES = [0.03, 0.25, 0.5, 0.75, 0.97];

const UNSURE = 0.6, NOT_TRIVIAL = 0.03; // bits of entropy: from here on it is a hard pixel; below that it is not worth asking
const APART = 3; // pixels between two questions, so that one does not give the next away

// The probability of ink at temperature 1, which is what the model's bits are counted at.
export function ownOdds(take, step) {
  const drawn = 2 ** -take.bits[step];
  return inkOdds({ ...take, given: { length: take.bits.length, [step]: drawn } }, step);
}

export const bitsOf = (p) => -Math.log2(p);

// Steps of a take from `from` on that are worth a guess, in the order of filling: most where the model was unsure, and a
// few easy ones. What was drawn has no say in it, or the choice would favour the model or the guesser.
export function questions(take, from, count = TEN) {
  const all = Array.from({ length: take.ink.length - from }, (_, place) => {
    const step = from + place;
    return { step, unsure: entropy(ownOdds(take, step)) };
  }).filter(({ step, unsure }) => unsure >= NOT_TRIVIAL && !(take.flipped && step === take.from));
  const hard = all.filter(({ unsure }) => unsure >= UNSURE).sort((a, b) => b.unsure - a.unsure);
  const easy = all.filter(({ unsure }) => unsure < UNSURE).sort((a, b) => b.unsure - a.unsure);
  const chosen = [];
  const pick = (list, most) => {
    for (const { step } of list) {
      if (chosen.length >= most) return;
      if (chosen.every((other) => Math.abs(other - step) >= APART)) chosen.push(step);
    }
  };
  pick(hard, count - EASY);
  pick(spread(easy, EASY), chosen.length + EASY);
  pick([...easy, ...hard], count);
  return chosen.sort((a, b) => a - b);
}

// Some of a list, evenly.
const spread = (list, count) => list.filter((_, place) => place % Math.max(1, Math.floor(list.length / count)) === 0);

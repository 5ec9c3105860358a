// Which pixels the quiz asks about, and what an answer costs. Pure functions.
import { entropy, inkProbability } from "../core/completion.js";

export const QUESTIONS = 10;
export const EASY_QUESTIONS = 3; // of them

// The possible answers: probabilities of ink. Not 0 and 1, because a wrong answer would cost infinitely many bits.
export const GUESSES = [0.03, 0.25, 0.5, 0.75, 0.97];

const HARD = 0.6, TRIVIAL = 0.03; // bits of entropy: hard from here on; not worth asking below
const MIN_DISTANCE = 3; // steps between two questions, so that one answer does not reveal the next

// The probability of ink at a step, at temperature 1, at which `bits` are counted.
export function inkProbabilityAtOne(completion, step) {
  const probability = 2 ** -completion.bits[step];
  const probabilities = { length: completion.bits.length, [step]: probability };
  return inkProbability({ ...completion, probabilities }, step);
}

// The cost in bits of an outcome with probability p.
export const bitsOf = (p) => -Math.log2(p);

// The steps of a completion to ask about, from `start` on, in order: most where the model is uncertain, and some easy ones.
// The choice does not depend on the values that were drawn; otherwise it would favor the model or the player.
export function chooseQuestions(completion, start, count = QUESTIONS) {
  const steps = Array.from({ length: completion.ink.length - start }, (_, index) => {
    const step = start + index;
    return { step, uncertainty: entropy(inkProbabilityAtOne(completion, step)) };
  });
  const asked = steps
    .filter(({ step, uncertainty }) => uncertainty >= TRIVIAL && !(completion.flipped && step === completion.branchStep))
    .sort((a, b) => b.uncertainty - a.uncertainty);
  const hard = asked.filter(({ uncertainty }) => uncertainty >= HARD);
  const easy = asked.filter(({ uncertainty }) => uncertainty < HARD);
  const chosen = [];
  const take = (candidates, limit) => {
    for (const { step } of candidates) {
      if (chosen.length >= limit) return;
      if (chosen.every((other) => Math.abs(other - step) >= MIN_DISTANCE)) chosen.push(step);
    }
  };
  take(hard, count - EASY_QUESTIONS);
  take(everyNth(easy, EASY_QUESTIONS), chosen.length + EASY_QUESTIONS);
  take([...easy, ...hard], count);
  return chosen.sort((a, b) => a - b);
}

// About `count` items at equal distances in a list.
const everyNth = (list, count) => list.filter((_, index) => index % Math.max(1, Math.floor(list.length / count)) === 0);

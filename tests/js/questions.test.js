// Which pixels the quiz asks about.
import assert from "node:assert/strict";
import test from "node:test";
import { bitsOf, chooseQuestions, EASY_QUESTIONS, GUESSES, inkProbabilityAtOne, QUESTIONS } from "../../web/static/quiz/questions.js";

// A completion with two levels whose probabilities of ink, at temperature 1, are given.
function completionOf(inkProbabilities, isInk = (p) => p >= 0.5) {
  const ink = Uint16Array.from(inkProbabilities, (p) => (isInk(p) ? 255 : 0));
  const bits = Float32Array.from(inkProbabilities, (p, step) => bitsOf(ink[step] ? p : 1 - p));
  return { levels: 2, ink, bits, probabilities: new Float32Array(ink.length), branchStep: 0 };
}

const cycle = (values, length) => Array.from({ length }, (_, step) => values[step % values.length]);

test("the probability of ink comes from the surprise, whatever was drawn", () => {
  for (const drawn of [true, false]) {
    const completion = completionOf([0.9, 0.2], () => drawn);
    assert.ok(Math.abs(inkProbabilityAtOne(completion, 0) - 0.9) < 1e-6);
    assert.ok(Math.abs(inkProbabilityAtOne(completion, 1) - 0.2) < 1e-6);
  }
});

test("ten questions in order, at a distance, most of them hard and some easy", () => {
  const completion = completionOf(cycle([0.5, 0.999, 0.95, 0.001, 0.4, 0.02], 300));
  const steps = chooseQuestions(completion, 20);
  assert.equal(steps.length, QUESTIONS);
  assert.ok(steps.every((step, index) => step >= 20 && (!index || step - steps[index - 1] >= 3)));
  const easy = steps.filter((step) => Math.abs(inkProbabilityAtOne(completion, step) - 0.5) > 0.4);
  assert.equal(easy.length, EASY_QUESTIONS);
});

test("the choice does not depend on the values drawn", () => {
  const probabilities = cycle([0.5, 0.9, 0.3, 0.97, 0.6], 200);
  const all = [() => true, () => false, (p) => p >= 0.5].map((isInk) => chooseQuestions(completionOf(probabilities, isInk), 0));
  assert.deepEqual(all[0], all[1]);
  assert.deepEqual(all[0], all[2]);
});

test("certain pixels and a flipped pixel are not asked about", () => {
  assert.deepEqual(chooseQuestions(completionOf(cycle([0.9999, 0.0001], 50)), 0), []);
  const flipped = { ...completionOf([0.5, 0.9999]), branchStep: 0, flipped: true };
  assert.deepEqual(chooseQuestions(flipped, 0), []);
});

test("the answers are symmetric and exclude 0 and 1", () => {
  GUESSES.forEach((p, index) => assert.ok(Math.abs(p + GUESSES.at(-1 - index) - 1) < 1e-9 && p > 0 && p < 1));
});

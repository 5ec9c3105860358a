// Files to download.
import assert from "node:assert/strict";
import test from "node:test";
import { toAnswers } from "../../web/static/share/export.js";

const completion = (changes = {}) => ({
  model: "one", seed: 3, levels: 2, temperature: 1, digit: -1, sampledDigit: -1, order: [1, 3], knownOrder: [0], knownBits: [1],
  knownInk: Uint8Array.of(255, 0, 0, 0), known: Uint8Array.of(1, 0, 1, 0), ink: Uint16Array.of(255, 0),
  probabilities: Float32Array.of(0.5, 0.25), bits: Float32Array.of(1, 2), nats: 2.5, ...changes,
});
const SIZE = { width: 2, height: 2 };

test("the completions of one request are one answer", () => {
  const answer = toAnswers({ ...SIZE, completions: [completion(), completion({ ink: Uint16Array.of(0, 255) })] });
  assert.deepEqual(answer.images, [[[1, 1], [0, 0]], [[1, 0], [0, 1]]]);
  assert.deepEqual([answer.model, answer.order, answer.nats], ["one", [[0, 1], [1, 1]], [2.5, 2.5]]);
});

test("two models and a branch at another temperature are answers of their own", () => {
  const completions = [completion(), completion({ model: "other" }), completion({ temperature: 2 })];
  const answers = toAnswers({ ...SIZE, completions });
  assert.deepEqual(answers.map(({ model, temperature }) => [model, temperature]), [["one", 1], ["other", 1], ["one", 2]]);
  assert.equal(answers.map(({ images }) => images.length).join(), "1,1,1");
});

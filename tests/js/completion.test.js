// Completions: reading server messages, probabilities, branches.
import assert from "node:assert/strict";
import test from "node:test";
import {
  atTemperature, drawingAt, entropy, inkProbability, isFinished, joinBranch, parentOf, readCompletions, sum,
} from "../../web/static/core/completion.js";

const hex16 = (values) => values.map((value) => value.toString(16).padStart(4, "0")).join("");
const close = (actual, expected, tolerance = 1e-4) => assert.ok(Math.abs(actual - expected) < tolerance, `${actual}, ${expected}`);

// Two of three unknown pixels of a picture with 2 x 2 pixels are sampled, for two samples.
const PART = {
  model: "freeform", levels: 2, order: [1, 2, 3],
  drawn: ["ff00", "00ff"],
  given: [hex16([65535, 16384]), hex16([32768, 49151])],
  bits: [hex16([0, 2000]), hex16([1000, 415])],
  known_order: [0], known_bits: hex16([500]),
  nats: [], digits: [7, -1], steps: 2, ms: 12.5,
};
const REQUEST = {
  model: "freeform", seed: 5, temperature: 1, digit: -2, samples: 2,
  knownInk: Uint8Array.of(255, 0, 0, 0), known: Uint8Array.of(1, 0, 0, 0),
};

test("a message becomes one completion for each sample", () => {
  const [first, second] = readCompletions(PART, REQUEST);
  assert.deepEqual([first.sample, second.sample], [0, 1]);
  assert.deepEqual(Array.from(first.ink), [255, 0]);
  assert.equal(first.probabilities[0], 1);
  close(second.probabilities[1], 0.75);
  close(first.bits[1], 2);
  close(first.knownBits[0], 0.5);
  assert.deepEqual([first.sampledDigit, second.sampledDigit], [7, -1]);
  assert.equal(first.nats, null);
  assert.equal(first.batch, 2);
  assert.equal(isFinished(first), false);
});

test("samples are numbered from first_sample", () => {
  const [first, second] = readCompletions(PART, { ...REQUEST, first_sample: 5 });
  assert.deepEqual([first.sample, second.sample], [5, 6]);
});

test("the probability of ink is that of the level drawn or its complement", () => {
  const [completion] = readCompletions(PART, REQUEST);
  assert.equal(inkProbability(completion, 0), 1);
  close(inkProbability(completion, 1), 0.75);
  assert.ok(Number.isNaN(inkProbability(completion, 2)), "not sampled yet");
  assert.ok(Number.isNaN(inkProbability({ ...completion, levels: 256 }, 0)), "more than two levels");
});

test("a temperature divides the logit", () => {
  const logit = (p) => Math.log(p / (1 - p));
  close(logit(atTemperature(0.8, 1, 2)), logit(0.8) / 2, 1e-9);
  close(atTemperature(atTemperature(0.8, 1, 0.4), 0.4, 1), 0.8, 1e-9);
  assert.ok(atTemperature(1, 1, 2) < 1, "a probability of 1 is rounded");
});

test("the drawing at a step has the pixels sampled before it, and optionally the flipped pixel", () => {
  const [completion] = readCompletions(PART, REQUEST);
  const before = drawingAt(completion, 1, false);
  assert.deepEqual([Array.from(before.ink), Array.from(before.known)], [[255, 255, 0, 0], [1, 1, 0, 0]]);
  const flipped = drawingAt(completion, 1, true);
  assert.deepEqual([Array.from(flipped.ink), Array.from(flipped.known)], [[255, 255, 255, 0], [1, 1, 1, 0]]);
  assert.deepEqual(Array.from(completion.knownInk), [255, 0, 0, 0], "the completion is unchanged");
});

test("a branch has the pixels of its parent, the flipped pixel and its continuation", () => {
  const [parent] = readCompletions(PART, REQUEST);
  const continuation = { ...REQUEST, temperature: 2, levels: 2, sample: 0, order: [3], digit: 7 };
  const own = { ...continuation, ink: Uint16Array.of(255), probabilities: Float32Array.of(0.5), bits: Float32Array.of(1) };
  const branch = joinBranch(parent, 1, true, own);
  assert.deepEqual(Array.from(branch.ink), [255, 255, 255]);
  close(branch.probabilities[1], 0.75);
  close(branch.bits[1], -Math.log2(0.75), 1e-3);
  assert.deepEqual(Array.from(branch.bits).slice(2), [1]);
  assert.deepEqual(branch.order, parent.order);
  assert.ok(parentOf(branch) === parent && parentOf(parent) === undefined);
  assert.ok(isFinished(branch) && branch.flipped && branch.branchStep === 1);
  const second = joinBranch(branch, 2, false, { ...own, temperature: 0.5 });
  assert.equal(parentOf(second), branch);
});

test("entropy and sum", () => {
  assert.equal(entropy(0.5), 1);
  assert.equal(entropy(0), 0);
  close(entropy(0.25), 0.8113, 1e-4);
  assert.equal(sum([1, 2, 3]), 6);
  assert.equal(sum([1, 2, 3], 2), 3);
});

// The anatomy of a pixel: which pixel is explained, what its random number selects, and what pushed it.
import assert from "node:assert/strict";
import test from "node:test";
import { rootOf, setParent } from "../../web/static/core/completion.js";
import {
  anatomyRequest, explainedStep, isFlipped, nearestUncertain, nearlyCertain, probabilitiesAt, pushes, selectedLevel, sigmoidCurve,
  temperatureAt,
} from "../../web/static/panels/anatomy-math.js";
import { DOWN, UP } from "../../web/static/panels/anatomy-view.js";

const COMPLETION = {
  model: "freeform", seed: 5, sample: 2, temperature: 0.5, digit: -2, sampledDigit: 7, branchStep: 0, flipped: false,
  knownInk: Uint8Array.of(255, 0, 0, 0), known: Uint8Array.of(1, 0, 0, 0), order: [1, 2, 3],
  ink: Uint16Array.of(0, 255, 0), bits: Float32Array.of(0.5, 3, 1),
};

test("the next pixel is explained, and at the end the most surprising one", () => {
  assert.deepEqual([0, 1, 2, 3].map((step) => explainedStep(COMPLETION, step)), [0, 1, 2, 1]);
  assert.equal(explainedStep({ ...COMPLETION, ink: Uint16Array.of(0) }, 1), -1, "not sampled yet");
});

test("pixels before a branch have the temperature of its parent, and only the flipped pixel is flipped", () => {
  const branch = { ...COMPLETION, temperature: 2, branchStep: 1, flipped: true };
  setParent(branch, COMPLETION);
  const second = { ...branch, temperature: 3, branchStep: 2, flipped: false };
  setParent(second, branch);
  assert.deepEqual([0, 1, 2].map((step) => temperatureAt(second, step)), [0.5, 2, 3]);
  assert.deepEqual([0, 1, 2].map((step) => isFlipped(second, step)), [false, true, false]);
  assert.equal(rootOf(second), COMPLETION);
  assert.equal(isFlipped(COMPLETION, 0), false);
});

test("the server is asked about the whole picture and the digit that was sampled", () => {
  assert.deepEqual(anatomyRequest(COMPLETION, 3, 0.5), {
    model: "freeform", drawing: { ink: "ff00ff00", known: "1000" }, pixel: 3, temperature: 0.5, seed: 5, digit: 7, first_sample: 2,
  });
});

test("the random number selects the first level whose cumulative probability exceeds it", () => {
  const level = (noise) => selectedLevel([0.25, 0.5, 0.25], noise);
  assert.deepEqual(level(0), { level: 0, from: 0, to: 0.25 });
  assert.deepEqual(level(0.25), { level: 1, from: 0.25, to: 0.75 });
  assert.deepEqual(level(0.999), { level: 2, from: 0.75, to: 1 });
  assert.deepEqual(selectedLevel([0.5, 0.4], 0.95), { level: 1, from: 0.5, to: 1 }, "the last level takes what is left");
});

test("a temperature divides the logit; gray levels keep the probabilities of the answer", () => {
  const [paper, ink] = probabilitiesAt({ prediction: 2, probabilities: [0, 1] }, 2);
  assert.ok(Math.abs(ink - 1 / (1 + Math.exp(-1))) < 1e-12 && Math.abs(paper + ink - 1) < 1e-12);
  const gray = [0.2, 0.3, 0.5];
  assert.equal(probabilitiesAt({ prediction: 1, probabilities: gray }, 2), gray);
  const curve = sigmoidCurve(2, 8, 4);
  assert.deepEqual(curve.map(([logit]) => logit), [-8, -4, 0, 4, 8]);
  assert.equal(curve[2][1], 0.5);
});

test("pushes are summed by side", () => {
  const { up, down } = pushes([0.5, -2, 0, 1.5, -1]);
  assert.deepEqual(up, { pixel: 3, strongest: 1.5, total: 2 });
  assert.deepEqual(down, { pixel: 1, strongest: 2, total: 3 });
});

test("near a pixel that is nearly certain there is an uncertain one", () => {
  assert.deepEqual([0, 0.0009, 0.5, 0.998, 0.9995].map(nearlyCertain), [true, true, false, false, true]);
  const completion = {
    levels: 2, order: [0, 1, 2, 3, 4, 5], ink: Uint16Array.of(0, 0, 0, 0, 0, 0), probabilities: Float32Array.of(0.5, 0.6, 1, 0.99, 0.9, 1),
  };
  assert.equal(nearestUncertain(completion, 5, 6, 3), 4, "beside it");
  assert.equal(nearestUncertain(completion, 5, 3, 3), 1, "of the pixels that are shown");
  assert.equal(nearestUncertain({ ...completion, probabilities: new Float32Array(6).fill(1) }, 5, 6, 3), -1);
});

test("the two influences differ in lightness, so that every kind of color vision tells them apart", () => {
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  assert.ok((luminance(DOWN) + 0.05) / (luminance(UP) + 0.05) > 3);
  for (const taken of [[24, 40, 72], [217, 72, 15]]) { // the drawing's ink and the model's
    for (const color of [UP, DOWN]) assert.ok(Math.hypot(...color.map((value, channel) => value - taken[channel])) > 80);
  }
});

// The ladder: its models, and the completions that it compares.
import assert from "node:assert/strict";
import test from "node:test";
import { completionParts } from "../../web/static/core/request.js";
import { ladderOf, rungs } from "../../web/static/panels/ladder.js";

const MODELS = {
  freeform: { model: "freeform", classes: 10 }, old: { model: "pixelcnn", classes: 0 }, independent: { model: "independent", classes: 0 },
};

test("the models of the server are ordered by what they read", () => {
  assert.deepEqual(rungs(MODELS), [["independent", "independent"], ["pixelcnn", "old"], ["freeform", "freeform"]]);
});

test("a ladder needs one picture of each model with the same noise", () => {
  const of = (model, changes = {}) => ({ model, seed: 3, sample: 0, temperature: 1, digit: -1, branchStep: 0, ...changes });
  const entries = ["independent", "old"], pair = [of("independent"), of("old")];
  assert.deepEqual(ladderOf(pair, entries), pair);
  assert.equal(ladderOf([of("independent")], entries), null);
  assert.equal(ladderOf([of("independent"), of("old", { seed: 4 })], entries), null);
  assert.equal(ladderOf([of("independent"), of("old", { branchStep: 5 })], entries), null);
});

test("a request can name its models", () => {
  const drawing = { ink: new Uint8Array(4), untouched: true, size: 4 };
  const settings = { samples: 4, temperature: 1, seed: 3, digit: -2, model: "old", secondModel: "" };
  const parts = completionParts({ drawing, facts: { models: MODELS }, settings }, { models: ["old", "freeform"], samples: 1, digit: -1 });
  assert.deepEqual(parts.map(({ model, samples, seed, digit }) => [model, samples, seed, digit]), [["old", 1, 3, -1], ["freeform", 1, 3, -1]]);
});

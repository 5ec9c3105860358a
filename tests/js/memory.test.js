// The memory panel: tables of the server, and the matrix of fast weights.
import assert from "node:assert/strict";
import test from "node:test";
import { fastWeights, hasMemory, largest, readTable } from "../../web/static/panels/memory.js";

test("a table has its shape and numbers up to its maximum", () => {
  const { shape, values } = readTable({ shape: [1, 2], max: 3, values: "ffff0000" });
  assert.deepEqual([shape, [...values]], [[1, 2], [3, 0]]);
});

test("the fast weights of a pixel are made of the rows above it in its column, older ones weaker", () => {
  const hidden = { shape: [3, 1, 2], values: Float32Array.of(1, 2, 3, 0, 9, 9) };
  const matrix = fastWeights({ hidden, decay: 0.5, rate: 2 }, 2, 0);
  assert.deepEqual([...matrix], [2 * 9 + 1 * 1, 1 * 2, 1 * 2, 1 * 4]);
  assert.deepEqual([...fastWeights({ hidden, decay: 0.5, rate: 2 }, 0, 0)], [0, 0, 0, 0]);
});

test("the strongest row is known if any is above zero", () => {
  assert.equal(largest([0, 0.5, 0.2]), 1);
  assert.equal(largest(Float32Array.of(0, 0)), -1);
});

test("models with a memory are known by their kind", () => {
  const facts = { models: { mine: { model: "dnc" }, pixelcnn: { model: "pixelcnn" } } };
  assert.deepEqual([hasMemory(facts, "mine"), hasMemory(facts, "pixelcnn"), hasMemory(facts, "gone")], [true, false, false]);
});

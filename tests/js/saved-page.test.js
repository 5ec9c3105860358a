// What is kept of the page across a reload.
import assert from "node:assert/strict";
import test from "node:test";
import { Drawing } from "../../web/static/canvas/drawing.js";
import { parentOf, setParent } from "../../web/static/core/completion.js";
import { readPage, savePage } from "../../web/static/share/saved-page.js";

const completion = (model) => ({
  model, knownInk: new Uint8Array(9).fill(7), known: Uint8Array.of(1, 0), order: [3, 4], ink: Uint16Array.of(255, 0),
  probabilities: Float32Array.of(0.1, NaN), nats: null, sampledDigit: -1,
});
const FACTS = { models: { one: {} } };

test("completions, their parents and the undo history are kept", () => {
  const drawing = new Drawing(3, 3), completions = [completion("one"), completion("one")];
  setParent(completions[1], completions[0]);
  drawing.attach = () => ({ completions });
  drawing.change(() => drawing.ink.fill(9));
  drawing.change(() => drawing.moveCut(0));
  drawing.undo();
  const text = savePage({ completions, selected: 1, position: 1.5, drawing });
  const { shown, history, future } = readPage(text, { size: 9, facts: FACTS });
  assert.deepEqual(shown, { completions, selected: 1, position: 1.5 });
  assert.ok(parentOf(shown.completions[1]) === shown.completions[0] && !parentOf(shown.completions[0]));
  assert.deepEqual(history.map(({ ink, cut }) => [Array.from(ink), cut]), [[Array(9).fill(0), 2]]);
  assert.equal(future[0].cut, 0);
});

test("anything else is ignored", () => {
  const text = savePage({ completions: [completion("one")], selected: 0, position: 0, drawing: new Drawing(3, 3) });
  for (const other of [null, "", "{}", "[1]", text.slice(1), text.replace('"version":2', '"version":1')]) {
    assert.equal(readPage(other, { size: 9, facts: FACTS }), null);
  }
  assert.equal(readPage(text, { size: 16, facts: FACTS }), null, "another canvas");
});

test("the undo history outlives completions of a model that is no longer there", () => {
  const drawing = new Drawing(3, 3);
  drawing.attach = () => ({ completions: [] });
  drawing.change(() => drawing.ink.fill(9));
  const text = savePage({ completions: [completion("one")], selected: 0, position: 0, drawing });
  const { shown, history, future } = readPage(text, { size: 9, facts: { models: {} } });
  assert.equal(shown, null);
  assert.deepEqual(history.map(({ ink }) => Array.from(ink)), [Array(9).fill(0)]);
  assert.deepEqual(future, []);
});

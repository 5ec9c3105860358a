// The drawing: tools, cut line, known pixels, undo.
import assert from "node:assert/strict";
import test from "node:test";
import { Drawing } from "../../web/static/canvas/drawing.js";

const inkCount = (drawing) => drawing.ink.filter((value) => value >= 128).length;

test("a new drawing is untouched and its upper half is known", () => {
  const drawing = new Drawing(28, 28);
  assert.ok(drawing.untouched && drawing.blank);
  assert.equal(drawing.known().reduce((total, value) => total + value, 0), 14 * 28);
  assert.ok(drawing.isKnown(14 * 28 - 1) && !drawing.isKnown(14 * 28));
});

test("a stroke is two to three pixels wide", () => {
  const drawing = new Drawing(28, 28);
  drawing.line("brush", [5, 10], [20, 10]);
  const column = Array.from({ length: 28 }, (_, row) => drawing.ink[28 * row + 12]);
  const width = column.filter((value) => value >= 128).length;
  assert.ok(width >= 2 && width <= 3, `${width} pixels`);
  assert.ok(!drawing.untouched && !drawing.blank);
});

test("the eraser removes ink, and ink on a hidden pixel makes it known again", () => {
  const drawing = new Drawing(28, 28);
  drawing.line("brush", [5, 10], [20, 10]);
  drawing.stamp("hide", 12, 10);
  const pixel = 10 * 28 + 12;
  assert.ok(drawing.hidden[pixel] && !drawing.isKnown(pixel));
  drawing.stamp("brush", 12.5, 10.5);
  assert.ok(!drawing.hidden[pixel] && drawing.isKnown(pixel));
  drawing.line("eraser", [4, 10.3], [21, 10.3]);
  drawing.stamp("eraser", 12.5, 10.5);
  assert.equal(inkCount(drawing), 0);
});

test("tools are limited to the canvas", () => {
  const drawing = new Drawing(28, 28);
  drawing.line("brush", [-5, -5], [40, 40]);
  assert.ok(inkCount(drawing) > 20);
  drawing.moveCut(-3.4);
  assert.equal(drawing.cut, 0);
  drawing.moveCut(99);
  assert.equal(drawing.cut, 28);
});

test("every change can be undone, up to 200", () => {
  const drawing = new Drawing(28, 28);
  let events = 0;
  drawing.addEventListener("changed", () => (events += 1));
  drawing.change(() => drawing.stamp("brush", 10, 10));
  const ink = drawing.ink.slice();
  drawing.replace({ ink: new Uint8Array(784), hidden: new Uint8Array(784).fill(1), cut: 3 });
  drawing.clear();
  assert.ok(drawing.untouched);
  drawing.undo();
  assert.equal(drawing.cut, 3);
  drawing.undo();
  assert.deepEqual(drawing.ink, ink);
  drawing.undo();
  assert.ok(drawing.untouched);
  drawing.undo();
  assert.equal(events, 6, "undo without history changes nothing");
  for (let count = 0; count < 300; count++) drawing.change(() => drawing.moveCut(count % 28));
  assert.equal(drawing.history.length, 200);
});

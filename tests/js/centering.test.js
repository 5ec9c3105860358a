// Drawings unlike the training data: which they are, and what becomes of them.
import assert from "node:assert/strict";
import test from "node:test";
import { centeredDrawings } from "../../web/static/canvas/centering.js";
import { Drawing } from "../../web/static/canvas/drawing.js";
import { drawingOf } from "../../web/static/share/example-button.js";
import { EXAMPLES } from "../../web/static/share/examples-data.js";

function draw(points, { cut = 14, size = 28, radius } = {}) {
  const drawing = new Drawing(size, size);
  if (radius) drawing.radius = radius;
  points.slice(1).forEach((point, index) => drawing.line("brush", points[index], point));
  return Object.assign(drawing, { cut, radius: new Drawing(size, size).radius });
}
const seven = (x, y, size = 10) => [[x, y], [x + 0.8 * size, y], [x + 0.3 * size, y + size]];
const asDrawing = (state) => Object.assign(new Drawing(28, 28), state);
const rowsOf = ({ ink }) => [...ink.keys()].filter((pixel) => ink[pixel] >= 128).map((pixel) => Math.floor(pixel / 28));
const kinds = (drawing) => centeredDrawings(drawing).map(({ kind }) => kind);

test("nothing is offered for an empty canvas, a dot, and the tops of real digits", () => {
  assert.deepEqual(kinds(new Drawing(28, 28)), []);
  assert.deepEqual(kinds(draw([[3, 3], [4, 3]])), []);
  for (const example of EXAMPLES) {
    assert.deepEqual(kinds(asDrawing(drawingOf(example, { width: 28, height: 28 }))), [], example.digits.join());
  }
});

test("a small seven that is cut in its middle fills the guide box, with its cut where it was in the digit", () => {
  for (const [x, y] of [[2, 2], [17, 2], [2, 16], [17, 16]]) {
    const drawing = draw(seven(x, y), { cut: y + 5 });
    const [whole, ...others] = centeredDrawings(drawing);
    assert.deepEqual([whole.kind, others], ["whole", []]);
    const rows = rowsOf(whole), top = Math.min(...rows), bottom = Math.max(...rows);
    assert.ok(bottom - top >= 18 && bottom - top <= 20 && top >= 1 && bottom <= 26, `rows ${top} to ${bottom}`);
    const share = (whole.cut - top) / (bottom + 1 - top);
    assert.ok(Math.abs(share - 0.5) < 0.1, `cut at ${share}`);
    assert.deepEqual(kinds(asDrawing(whole)), [], "the result is usual");
  }
});

test("a drawing without ink below the cut line can be the top of a digit or a whole one", () => {
  const [top, whole] = centeredDrawings(draw(seven(2, 2, 5)));
  assert.deepEqual([top.kind, whole.kind], ["top", "whole"]);
  assert.equal(Math.min(...rowsOf(top)), 5);
  assert.ok(Math.abs(top.cut - 13) <= 1, "the stroke reaches the cut line, so that it is continued");
  assert.ok(rowsOf(top).includes(top.cut - 1));
  assert.equal(whole.cut, 14);
});

test("strokes that are too thick or too thin are drawn again", () => {
  const place = [[9, 7], [19, 7], [14, 20]];
  assert.deepEqual(kinds(draw(place)), []);
  for (const radius of [0.45, 2.6]) {
    const [drawn] = centeredDrawings(draw(place, { radius }));
    assert.deepEqual(kinds(asDrawing(drawn)), [], `${radius}`);
  }
});

test("hidden pixels move with the drawing", () => {
  const drawing = draw(seven(2, 2), { cut: 7 });
  drawing.hidden[28 * 4 + 8] = 1; // on the stem
  const [{ hidden, ink }] = centeredDrawings(drawing);
  const moved = [...hidden.keys()].filter((pixel) => hidden[pixel]);
  assert.ok(moved.length >= 2 && moved.some((pixel) => ink[pixel] >= 128));
});

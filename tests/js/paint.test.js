// Painting: the short ways for plain pixels and for pictures that grow give the same colors as the general one.
import assert from "node:assert/strict";
import test from "node:test";
import { CompletionPainter, paintPixels, pixelsAt } from "../../web/static/canvas/paint.js";

const WIDTH = 4, HEIGHT = 8;

// A canvas whose pixels are `painted`; `count` says how often it was painted.
function makeCanvas() {
  const context = {
    count: 0,
    createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
    putImageData({ data }) {
      this.painted = Array.from(data);
      this.count += 1;
    },
  };
  return { width: WIDTH, height: HEIGHT, getContext: () => context, context };
}

function paint(options) {
  const { context } = makeCanvas();
  paintPixels(context, { width: 4, height: 2, ...options });
  return context.painted;
}

test("plain pixels have the same colors as with an overlay of no strength", () => {
  const values = [0, 1, 127, 128, 254, 255, -1, -1];
  const options = { ink: (pixel) => values[pixel], known: (pixel) => pixel % 2 === 0, faint: (pixel) => (pixel === 7 ? 70 : 0) };
  const withOverlay = paint({ ...options, overlay: { color: [0, 0, 255], strength: new Float32Array(8) } });
  const plain = paint(options);
  assert.deepEqual(plain.slice(0, 24), withOverlay.slice(0, 24));
  assert.deepEqual(plain.slice(24), [24, 40, 72, 0, 24, 40, 72, 70], "unknown pixels are transparent, ink below the cut is faint");
});

// The last six rows of a picture, as it grows.
function makeCompletion(received) {
  const known = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, pixel) => Number(pixel < 8));
  const order = Array.from({ length: 24 }, (_, index) => 8 + index);
  return { known, knownInk: known.map((_, pixel) => (pixel % 3 ? 0 : 255)), order, ink: Uint16Array.from({ length: received }, (_, index) => (index % 2 ? 255 : 0)) };
}

function paintInFull(completion, step, highlight) {
  const { context } = makeCanvas(), { ink, newness } = pixelsAt(completion, step, { highlight });
  paintPixels(context, {
    width: WIDTH, height: HEIGHT, known: (pixel) => completion.known[pixel],
    ink: (pixel) => (completion.known[pixel] ? completion.knownInk[pixel] : ink[pixel]), newness: (pixel) => newness[pixel],
  });
  return context.painted;
}

test("a picture that grows, shrinks, is replaced or forgotten looks as if it were painted in full", () => {
  const canvas = makeCanvas(), painter = new CompletionPainter(canvas), [some, all] = [makeCompletion(15), makeCompletion(24)];
  const states = [[some, 0], [some, 1], [some, 7], [some, 20], [all, 20], [all, 24], [all, 24, false], [all, 3], [all, 12], [some, 12, false]];
  for (const [completion, step, highlight = true] of states) {
    painter.paint(completion, step, highlight);
    const expected = paintInFull(completion, step, highlight), differences = canvas.context.painted.map((value, index) => Math.abs(value - expected[index]));
    assert.ok(Math.max(...differences) <= 1, `${completion.ink.length} ${step} ${highlight}`); // 1 by rounding
  }
});

test("a picture that has not changed is not painted again, unless it was painted over", () => {
  const canvas = makeCanvas(), painter = new CompletionPainter(canvas), completion = makeCompletion(24);
  painter.paint(completion, 5, true);
  painter.paint(completion, 5, true);
  assert.equal(canvas.context.count, 1);
  painter.forget();
  painter.paint(completion, 5, true);
  assert.equal(canvas.context.count, 2);
});

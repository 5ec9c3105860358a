// Painting: the short way for plain pixels gives the same colors as the general one.
import assert from "node:assert/strict";
import test from "node:test";
import { paintPixels } from "../../web/static/canvas/paint.js";

function paint(options) {
  let painted;
  const context = {
    createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
    putImageData: ({ data }) => { painted = Array.from(data); },
  };
  paintPixels(context, { width: 4, height: 2, ...options });
  return painted;
}

test("plain pixels have the same colors as with an overlay of no strength", () => {
  const values = [0, 1, 127, 128, 254, 255, -1, -1];
  const options = { ink: (pixel) => values[pixel], known: (pixel) => pixel % 2 === 0, faint: (pixel) => (pixel === 7 ? 70 : 0) };
  const withOverlay = paint({ ...options, overlay: { color: [0, 0, 255], strength: new Float32Array(8) } });
  const plain = paint(options);
  assert.deepEqual(plain.slice(0, 24), withOverlay.slice(0, 24));
  assert.deepEqual(plain.slice(24), [24, 40, 72, 0, 24, 40, 72, 70], "unknown pixels are transparent, ink below the cut is faint");
});

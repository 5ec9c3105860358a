// The current pixel: the next one, the last one at the end, and one that the visitor chose.
import assert from "node:assert/strict";
import test from "node:test";
import { watchChoice } from "../../web/static/player/chosen-pixel.js";
import { shownPixel } from "../../web/static/player/next-pixel.js";

// A store whose completion has the pixels 1, 2 and 3, of which `drawn` have arrived.
function makeStore(step, drawn = 3) {
  const completion = { order: [1, 2, 3], ink: new Uint16Array(drawn), known: Uint8Array.of(1, 0, 0, 0) };
  const store = Object.assign(new EventTarget(), { completion, step });
  watchChoice(store);
  return store;
}

const choose = (store, pixel) => store.dispatchEvent(Object.assign(new Event("pixel-selected"), { detail: pixel }));

test("the next pixel is shown, at the end the last one, also of a completion that was stopped", () => {
  assert.deepEqual(shownPixel(makeStore(1)), { kind: "at", pixel: 2, step: 1 });
  assert.deepEqual(shownPixel(makeStore(3)), { kind: "last", pixel: 3, step: 2 });
  assert.deepEqual(shownPixel(makeStore(2, 2)), { kind: "last", pixel: 2, step: 1 });
  assert.equal(shownPixel(makeStore(0, 0)), null);
  assert.equal(shownPixel(Object.assign(makeStore(0), { completion: undefined })), null);
});

test("a pixel that is filled can be chosen, until the player moves or another picture is requested", () => {
  const store = makeStore(2);
  choose(store, 1);
  assert.deepEqual(shownPixel(store), { kind: "chosen", pixel: 1, step: 0 });
  choose(store, 0);
  assert.deepEqual(shownPixel(store), { kind: "chosen", pixel: 0, step: -1 }, "of the drawing");
  choose(store, 3);
  assert.equal(shownPixel(store).kind, "at", "not filled yet");
  choose(store, 1);
  store.step = 3;
  assert.equal(shownPixel(store).kind, "last");
  choose(store, 1);
  store.dispatchEvent(new Event("request"));
  assert.equal(shownPixel(store).kind, "last");
});

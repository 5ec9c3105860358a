// The player's clock.
import assert from "node:assert/strict";
import test from "node:test";
import { advance, startClock } from "../../web/static/player/player.js";

test("the position advances as far as all completions have arrived, and never moves back", () => {
  assert.equal(advance({ position: 10, available: 100 }, 5), 15);
  assert.equal(advance({ position: 98, available: 100 }, 5), 100);
  assert.equal(advance({ position: 10, available: 100 }, Infinity), 100);
  assert.equal(advance({ position: 80, available: 3 }, 5), 80, "a second model has only begun");
});

test("while the pictures play they move in every frame, and what is read follows ten times a second, at the end at once", () => {
  const frames = [], events = [], now = performance.now();
  globalThis.requestAnimationFrame = (callback) => frames.push(callback);
  const store = {
    playing: true, position: 0, available: 60, total: 60, end: 60, completions: [{}], emit: (name) => events.push(name),
    get step() { return Math.floor(this.position); },
  };
  startClock(store, { instant: () => false, pixelsPerSecond: () => 70 }, () => {}).run();
  for (let frame = 1; frames.length; frame++) frames.pop()(now + 16 * frame);
  const shown = events.filter((name) => name === "position").length;
  assert.ok(store.position === 60 && !store.playing && events.at(-1) === "position");
  assert.ok(shown >= 8 && shown <= 10, `${shown} of ${events.length}`);
  assert.ok(events.length > 50, `${events.length}`);
});

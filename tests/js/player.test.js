// The player's clock.
import assert from "node:assert/strict";
import test from "node:test";
import { advance } from "../../web/static/player/player.js";

test("the position advances as far as all completions have arrived, and never moves back", () => {
  assert.equal(advance({ position: 10, available: 100 }, 5), 15);
  assert.equal(advance({ position: 98, available: 100 }, 5), 100);
  assert.equal(advance({ position: 10, available: 100 }, Infinity), 100);
  assert.equal(advance({ position: 80, available: 3 }, 5), 80, "a second model has only begun");
});

// The exhibits of the comparison, and sixteen tries of every model.
import assert from "node:assert/strict";
import test from "node:test";
import { ApiError, streamJson } from "../../web/static/core/api.js";
import { bestStart } from "../../web/static/panels/exhibits.js";
import { pictureOf } from "../../web/static/panels/ladder.js";
import { countDigits } from "../../web/static/panels/tries.js";

globalThis.document = { baseURI: "http://127.0.0.1/" };

// Lets the server answer with these pieces of a body.
function answerWith(...pieces) {
  globalThis.fetch = async () => new Response(ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece))));
}

test("lines of a stream are read wherever the pieces end, and an error ends it", async () => {
  answerWith('{"step": 1}\n{"st', 'ep": 2}\n', '{"error": "Busy.", "code": "busy", "params": {"wait": 3}}\n');
  const steps = [];
  await assert.rejects(async () => {
    for await (const { step } of streamJson("x", {})) steps.push(step);
  }, new ApiError("Busy.", "busy", { wait: 3 }));
  assert.deepEqual(steps, [1, 2]);
});

test("the best start is the one with the smallest error", () => {
  const captions = [[7.5, "7"], [3.2, "2"], [9, "7"]].map(([error, digit]) => ({ params: { error, digit } }));
  assert.deepEqual(bestStart(captions), { digits: "7, 2, 7", error: 3.2, number: 2 });
});

test("digits are counted, the most frequent first", () => {
  assert.deepEqual(countDigits([4, "9", 9, 4, 9]), [["9", 3], ["4", 2]]);
});

test("the picture of a completion has known and sampled ink", () => {
  const picture = pictureOf({ knownInk: Uint8Array.of(7, 0, 0), order: [2, 1], ink: Uint8Array.of(255, 9) });
  assert.deepEqual([...picture], [7, 9, 255]);
});

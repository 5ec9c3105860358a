// Packing and unpacking of links.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { ClassChoice, setParent } from "../../web/static/core/completion.js";
import { fromHex } from "../../web/static/core/hex.js";
import { linkState, MAX_LENGTH, packLink, unpackLink } from "../../web/static/share/link.js";

// Links made by an earlier version of the page, and the state that it packed.
const OLD_LINKS = JSON.parse(readFileSync(new URL("../fixtures/old_links.json", import.meta.url), "utf8"));

const SIZE = 28 * 28;
const STATE = {
  width: 28, height: 28, cut: 14, model: "freeform", secondModel: "", samples: 4, temperature: 0.8, seed: 5, digit: 7,
  sha: "01234567", secondSha: "", device: "the CPU", branches: [[100, true, 1.5]],
  ink: Uint8Array.from({ length: SIZE }, (_, pixel) => (pixel * 37) % 256),
  hidden: Uint8Array.from({ length: SIZE }, (_, pixel) => Number(pixel % 5 === 0)),
};
const FACTS = {
  device: "the CPU", models: { freeform: { sha: "aaaaaaaa" }, pixelcnn: { sha: "bbbbbbbb" } },
};

function plain({ ink, hidden, ...rest }) {
  return { ...rest, ink: Array.from(ink), hidden: Array.from(hidden.keys()).filter((pixel) => hidden[pixel]) };
}

for (const { name, link, state } of OLD_LINKS) {
  test(`old link: ${name}`, () => {
    const expected = { ...state, ink: Array.from(fromHex(state.ink, 2)) };
    assert.deepEqual(plain(unpackLink(link)), expected);
    assert.equal(packLink(unpackLink(link)), link);
  });
}

test("a state survives packing", () => {
  assert.deepEqual(plain(unpackLink(packLink(STATE))), plain(STATE));
});

test("runs of zeros of any length survive packing", () => {
  for (const length of [1, 254, 255, 256, 510, SIZE]) {
    const ink = new Uint8Array(SIZE).fill(9).fill(0, 0, length);
    assert.deepEqual(unpackLink(packLink({ ...STATE, ink })).ink, ink);
  }
});

test("damaged links are rejected", () => {
  const link = packLink(STATE);
  for (let index = 2; index < link.length - 1; index += 7) {
    const other = link[index] === "A" ? "B" : "A";
    const damaged = link.slice(0, index) + other + link.slice(index + 1);
    assert.deepEqual(unpackLink(damaged), { error: "link.broken", params: {} }, `character ${index}`);
  }
  for (const fragment of ["", "junk", "1.", "1.%00", ".AAAA", link.slice(0, -9), "1." + "AP_".repeat(5000)]) {
    assert.equal(unpackLink(fragment).error, "link.broken", fragment.slice(0, 20));
  }
});

test("another version and an excessive length have errors of their own", () => {
  assert.deepEqual(unpackLink("7.AAAA"), { error: "link.version", params: { version: "7", here: 1 } });
  const length = MAX_LENGTH + 1;
  assert.deepEqual(unpackLink("1".repeat(length)), { error: "link.too_long", params: { length, most: MAX_LENGTH } });
});

test("settings outside their ranges are rejected", () => {
  const invalid = [
    { width: 0 }, { width: 65 }, { height: 2.5 }, { cut: 29 }, { cut: -1 }, { model: "" }, { model: 3 }, { model: "x".repeat(101) },
    { secondModel: null }, { samples: 0 }, { samples: 65 }, { temperature: 0 }, { temperature: 101 }, { temperature: "1" },
    { seed: -1 }, { seed: 2 ** 53 }, { digit: 10 }, { digit: -3 }, { device: 5 }, { branches: {} }, { branches: [[1]] },
    { branches: [[1, 1, 1]] }, { branches: [[SIZE + 1, true, 1]] }, { branches: [[1, true, 1, -1]] }, { temperature: 0.05 }, { temperature: 3.1 }, { branches: Array(101).fill([1, true, 1]) },
  ];
  for (const changes of invalid) {
    assert.equal(unpackLink(packLink({ ...STATE, ...changes })).error, "link.broken", JSON.stringify(changes));
  }
});

test("a link describes how completions were requested, not the current settings", () => {
  const settings = { model: "pixelcnn", secondModel: "pixelcnn", samples: 1, temperature: 1, seed: 8, digit: -2 };
  const page = { width: 28, height: 28, drawing: STATE, settings, facts: FACTS };
  const withoutCompletions = linkState({ ...page, completions: [] });
  assert.equal(withoutCompletions.secondModel, "", "a model is not compared with itself");
  assert.equal(withoutCompletions.sha, "bbbbbbbb");
  const completion = { model: "pixelcnn", sample: 0, samples: 4, temperature: 2, seed: 3, digit: ClassChoice.NONE };
  const other = { ...completion, model: "freeform", digit: 6 };
  const state = linkState({ ...page, completions: [completion, other] });
  const { model, secondModel, samples, temperature, seed, digit, secondSha, branches } = state;
  assert.deepEqual(
    { model, secondModel, samples, temperature, seed, digit, secondSha, branches },
    { model: "pixelcnn", secondModel: "freeform", samples: 4, temperature: 2, seed: 3, digit: 6, secondSha: "aaaaaaaa", branches: [] },
  );
});

const PAGE = { width: 28, height: 28, drawing: STATE, facts: FACTS, settings: { model: "pixelcnn", secondModel: "", samples: 1, temperature: 3, seed: 8, digit: -2 } };

function branchOf(parent, branchStep, flipped, temperature = 1) {
  const branch = { ...parent, digit: 6, samples: 1, branchStep, flipped, temperature };
  setParent(branch, parent);
  return branch;
}

test("a link describes all completions beside a branch, and which one each branch leaves", () => {
  const request = { samples: 2, temperature: 1, seed: 3 };
  const roots = [["freeform", 0], ["freeform", 1], ["pixelcnn", 0], ["pixelcnn", 1]].map(([model, sample]) => {
    return { ...request, model, sample, digit: model === "freeform" ? -2 : -1 };
  });
  const first = branchOf(roots[0], 10, true), gone = branchOf(roots[3], 20, false, 2), last = branchOf(gone, 30, true, 2);
  const { missing, branches, ...state } = linkState({ ...PAGE, completions: [...roots, first, last] });
  const { model, secondModel, samples, temperature, seed, digit } = state;
  assert.deepEqual({ model, secondModel, samples, temperature, seed, digit }, { ...request, model: "freeform", secondModel: "pixelcnn", digit: -2 });
  assert.deepEqual(branches, [[10, true, 1, 0], [20, false, 2, 3], [30, true, 2, 5]], "also the one that is no longer shown");
  assert.equal(missing, 0);
  assert.deepEqual(unpackLink(packLink({ ...state, branches })).branches, branches);
});

test("a link says how many completions it does not give", () => {
  const root = { model: "freeform", sample: 0, samples: 1, temperature: 1, seed: 3, digit: -2 };
  const other = { ...root, seed: 4 };
  assert.equal(linkState({ ...PAGE, completions: [root, other, branchOf(other, 5, true)] }).missing, 2);
  const chain = [root];
  for (let count = 0; count < 101; count++) chain.push(branchOf(chain.at(-1), count, false));
  const state = linkState({ ...PAGE, completions: chain.slice(-24) });
  assert.equal(state.missing, 1);
  assert.equal(unpackLink(packLink(state)).branches.length, 100, "and what it gives can be read");
});

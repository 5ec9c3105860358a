// The store: which requests are awaited, and what cancels them.
import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../web/static/core/store.js";

const hex16 = (count) => "8000".repeat(count);

// A store whose server is a list of the messages it was sent; `cancelled` lists the runs that were cancelled.
function makeStore(settings = {}) {
  const sent = [], cancelled = [];
  const models = { one: { levels: 2, classes: 0 }, other: { levels: 2, classes: 0 } };
  const store = new Store({
    width: 4, height: 4, i18n: {}, facts: { default: "one", models },
    send: (message) => sent.push(message), cancel: (run) => cancelled.push(run),
  });
  store.updateSettings(settings);
  return { store, sent, cancelled };
}

// The server's answer to a message: `pixels` of the unknown pixels of each sample of some parts.
function answer({ run, parts }, pixels = 16, indices = parts.map((_, index) => index)) {
  return {
    run,
    parts: indices.map((part) => {
      const { samples, drawing } = parts[part];
      const order = [...drawing.known].map((_, pixel) => pixel).filter((pixel) => drawing.known[pixel] === "0");
      const count = Math.min(pixels, order.length), each = (text) => Array(samples).fill(text);
      return {
        part, levels: 2, order, drawn: each("ff".repeat(count)), given: each(hex16(count)), bits: each(hex16(count)),
        known_order: [], known_bits: "", nats: count === order.length ? Array(samples).fill(1) : [],
        digits: Array(samples).fill(-1), steps: 1, ms: 1,
      };
    }),
  };
}

const ACTIONS = {
  stop: (store) => store.stop(),
  stroke: (store) => store.drawing.change(() => store.drawing.stamp("brush", 1, 1)),
  clear: (store) => store.drawing.clear(),
};

for (const [name, act] of Object.entries(ACTIONS)) {
  test(`${name} cancels a request while a finished picture is shown`, () => {
    const { store, sent, cancelled } = makeStore();
    store.complete();
    store.receive(answer(sent[0]));
    assert.ok(store.finished && !store.awaiting);
    store.complete();
    assert.ok(store.finished && store.awaiting, "the finished picture stays until the first answer");
    act(store);
    assert.deepEqual(cancelled, [sent[1].run]);
    assert.equal(store.awaiting, false);
    store.receive(answer(sent[1]));
    assert.ok(!store.completions.some(({ seed }) => seed === sent[1].parts[0].seed), "a late answer is ignored");
  });
}

test("a finished request is not cancelled", () => {
  const { store, sent, cancelled } = makeStore();
  store.complete();
  store.receive(answer(sent[0]));
  store.stop();
  store.drawing.clear();
  assert.deepEqual(cancelled, []);
});

test("a request is awaited until all its parts are finished", () => {
  const { store, sent, cancelled } = makeStore({ secondModel: "other" });
  store.complete();
  store.receive(answer(sent[0], 16, [1])); // the second model answers first
  assert.deepEqual(store.completions.map(({ model }) => model), ["other"]);
  assert.ok(store.awaiting);
  store.stop();
  assert.deepEqual(cancelled, [sent[0].run]);
});

test("a branch is awaited although its parent is not finished", () => {
  const { store, sent } = makeStore();
  store.complete();
  store.receive(answer(sent[0], 6));
  store.stop();
  store.branch(0, 3);
  assert.ok(store.awaiting);
  store.receive(answer(sent[1]));
  assert.ok(!store.awaiting && !store.finished, "nothing more will come, and the parent stays as it was stopped");
});

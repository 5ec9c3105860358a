// Strokes: which pointer draws, when a stroke ends, and what undo does meanwhile.
import assert from "node:assert/strict";
import test from "node:test";
import { startStrokes } from "../../web/static/canvas/strokes.js";
import { Drawing } from "../../web/static/canvas/drawing.js";
import { Store } from "../../web/static/core/store.js";

const facts = { default: "one", models: { one: { levels: 2, classes: 0 } } };

// A page with a canvas of 28 x 28 screen pixels. send(name, x, y, fields): a pointer event.
function makePage() {
  const sent = [];
  const store = new Store({ width: 28, height: 28, i18n: {}, facts, send: (message) => sent.push(message), cancel() {} });
  const canvas = new EventTarget();
  canvas.getBoundingClientRect = () => ({ left: 0, top: 0, width: 28, height: 28 });
  Object.assign(canvas, { width: 28, height: 28 });
  const view = { canvas, tool: "brush", cursor: null, update() {} };
  startStrokes(store, view);
  const send = (name, x, y, { id = 1, type = "mouse", button = 0, buttons = name === "pointerup" ? 0 : 1 } = {}) => {
    const event = new Event(name);
    const fields = { clientX: x, clientY: y, pointerId: id, pointerType: type, button, buttons };
    canvas.dispatchEvent(Object.assign(event, fields));
  };
  const { drawing } = store;
  const isInk = (x, y) => drawing.ink[28 * y + x] >= 128;
  return { store, drawing, view, send, sent, isInk };
}

const TOUCH = { id: 2, type: "touch" }, PEN = { id: 3, type: "pen" };

test("a pen takes over from a touch, which leaves nothing", () => {
  const { drawing, send, isInk } = makePage();
  send("pointerdown", 20, 5, TOUCH);
  assert.ok(isInk(20, 5));
  send("pointerdown", 5, 5, PEN);
  send("pointermove", 10, 5, PEN);
  send("pointermove", 25, 5, TOUCH);
  send("pointercancel", 25, 5, TOUCH);
  send("pointermove", 10, 9, PEN);
  send("pointerup", 10, 9, PEN);
  assert.ok(isInk(5, 5) && isInk(8, 5) && isInk(10, 8) && !isInk(20, 5));
  drawing.undo();
  assert.ok(drawing.blank && !drawing.history.length, "the pen's stroke is the only step");
});

test("other pointers do not take over", () => {
  const { send, isInk } = makePage();
  send("pointerdown", 5, 5, PEN);
  send("pointerdown", 20, 5, TOUCH);
  send("pointermove", 20, 9, TOUCH);
  send("pointermove", 9, 5, PEN);
  assert.ok(isInk(8, 5) && !isInk(20, 5) && !isInk(20, 9));
});

test("a cancelled pointer leaves nothing, and brings the completions back", () => {
  const { store, drawing, view, send } = makePage();
  store.completions = [{ ink: [255], order: [0], known: new Uint8Array(784) }];
  view.tool = "hide";
  send("pointerdown", 20, 5, TOUCH);
  send("pointermove", 10, 5, TOUCH);
  assert.equal(store.completions.length, 0);
  send("pointercancel", 10, 5, TOUCH);
  assert.ok(drawing.untouched && !drawing.history.length && !drawing.future.length);
  assert.equal(store.completions.length, 1);
});

for (const [name, end] of [["a lost capture", "lostpointercapture"], ["a move without a button", "pointermove"]]) {
  test(`${name} ends the stroke`, () => {
    const { send, isInk } = makePage();
    send("pointerdown", 5, 5);
    send("pointermove", 10, 5);
    send(end, 15, 5, { buttons: 0 });
    send("pointermove", 20, 5, { buttons: 0 });
    assert.ok(isInk(9, 5) && !isInk(15, 5) && !isInk(20, 5));
    send("pointerdown", 5, 12);
    send("pointerup", 5, 12);
    assert.ok(isInk(5, 12), "the next stroke begins where the pointer is");
    assert.ok(!isInk(7, 9));
  });
}

test("a request ends the stroke and keeps what it asked about", () => {
  const { store, send, sent, isInk } = makePage();
  send("pointerdown", 5, 5);
  send("pointermove", 10, 5);
  store.complete();
  const asked = store.pending.parts[0].ink.slice();
  send("pointermove", 20, 5);
  send("pointerup", 20, 5);
  assert.ok(!isInk(15, 5));
  store.drawing.change(() => store.drawing.ink.fill(255));
  assert.deepEqual(asked, Uint8Array.from(sent[0].parts[0].drawing.ink.match(/../g), (text) => parseInt(text, 16)));
});

for (const change of ["undo", "clear"]) {
  test(`${change} during a stroke ends it`, () => {
    const { drawing, send, isInk } = makePage();
    send("pointerdown", 5, 5);
    send("pointerup", 10, 5);
    send("pointerdown", 5, 12);
    send("pointermove", 10, 12);
    drawing[change]();
    send("pointermove", 20, 12);
    send("pointerup", 20, 12);
    assert.equal(isInk(8, 5), change === "undo");
    assert.ok(!isInk(8, 12) && !isInk(15, 12));
    drawing.undo();
    assert.equal(isInk(8, 5), change === "clear", "the earlier stroke goes by its own step");
  });
}

test("a stroke keeps its tool, and the eraser end of a pen erases", () => {
  const { view, send, isInk } = makePage();
  send("pointerdown", 5, 5);
  view.tool = "eraser";
  send("pointermove", 20, 5);
  send("pointerup", 20, 5);
  assert.ok(isInk(5, 5) && isInk(15, 5));
  view.tool = "brush";
  send("pointerdown", 5, 5, { ...PEN, button: 5, buttons: 32 });
  send("pointermove", 20, 5, { ...PEN, button: -1, buttons: 32 });
  send("pointerup", 20, 5, { ...PEN, button: 5 });
  assert.ok(!isInk(5, 5) && !isInk(15, 5));
});

test("undo brings completions back, and redo the change", () => {
  const { store, drawing, send } = makePage();
  const completions = [{ ink: [255], order: [0], known: new Uint8Array(784) }];
  Object.assign(store, { completions, position: 1 });
  send("pointerdown", 5, 12);
  assert.equal(store.completions.length, 1, "a press alone is a tap");
  send("pointermove", 9, 12);
  send("pointerup", 9, 12);
  drawing.change(() => drawing.stamp("brush", 5, 5));
  assert.equal(store.completions.length, 0);
  drawing.undo();
  assert.equal(store.completions.length, 0);
  drawing.undo();
  assert.ok(store.completions === completions && store.position === 1 && !store.ended);
  drawing.redo();
  drawing.redo();
  assert.ok(drawing.ink[28 * 5 + 5] && !drawing.future.length);
  drawing.undo();
  drawing.clear();
  assert.equal(drawing.future.length, 0, "a new change leaves nothing to redo");
  assert.ok(new Drawing(28, 28).history.length === 0);
});

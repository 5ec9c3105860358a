// Strokes on the canvas by mouse, pen or finger, and taps that select a pixel of a completion.
import { followPointer, pointerPosition, usesEraser } from "./pointer.js";

const MAX_TAP_MOVE = 0.7; // pixels that a tap may move without being a stroke

export function startStrokes(store, view) {
  const { width, drawing } = store, { canvas } = view;
  let stroke = null; // {tool, last: position, version}; version: of the drawing, which no other change may have moved on
  let tap = null; // {tool, at: position} of a pointer that went down on a completion, as long as it has not moved

  const pixelAt = ([x, y]) => Math.floor(y) * width + Math.floor(x);

  function begin(tool, from, to = from) {
    drawing.change(() => drawing.line(tool, from, to));
    stroke = { tool, last: to, version: drawing.version };
  }

  // Another change of the drawing, such as undo, and a request end the stroke, although the pointer is still down.
  function extend(event) {
    if (stroke?.version !== drawing.version) return;
    const position = pointerPosition(canvas, event);
    drawing.line(stroke.tool, stroke.last, position);
    stroke.last = position;
  }

  function release() {
    stroke = tap = null;
    view.drawing = false;
    view.update();
  }

  followPointer(canvas, {
    start(event) {
      const at = pointerPosition(canvas, event), tool = usesEraser(event) ? "eraser" : view.tool;
      view.cursor = null;
      view.drawing = true;
      if (store.completion && tool !== "hide") tap = { tool, at };
      else begin(tool, at);
    },
    move(event) {
      if (tap) {
        const { tool, at } = tap, position = pointerPosition(canvas, event);
        if (Math.hypot(position[0] - at[0], position[1] - at[1]) < MAX_TAP_MOVE) return;
        tap = null;
        if (drawing.isKnown(pixelAt(at))) begin(tool, at, position); // strokes that begin on the model's pixels are ignored
      }
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const each of events.length ? events : [event]) extend(each);
      view.update();
    },
    end(event) {
      if (event && tap) store.selectPixel(pixelAt(tap.at));
      else if (event) extend(event);
      release();
    },
    cancel() {
      if (stroke?.version === drawing.version) drawing.rollBack();
      release();
    },
  });
}

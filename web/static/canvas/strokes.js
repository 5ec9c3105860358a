// Strokes on the canvas by mouse, pen or finger, and taps that select a pixel of a completion.
import { pointerPosition } from "./pointer.js";

const MAX_TAP_MOVE = 0.7; // pixels that a tap may move without being a stroke

export function startStrokes(store, view) {
  const { width, drawing } = store, { canvas } = view;
  let pointer = null; // the pointer that draws; others are ignored
  let last = null; // its last position
  let tap = null; // where the pointer went down on a completion, as long as it has not moved

  const pixelAt = ([x, y]) => Math.floor(y) * width + Math.floor(x);

  function stroke(event) {
    const position = pointerPosition(canvas, event);
    drawing.line(view.tool, last || position, position);
    last = position;
  }

  function release() {
    pointer = last = tap = null;
    view.drawing = false;
    view.update();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || pointer !== null) return;
    view.cursor = null;
    pointer = event.pointerId;
    view.drawing = true;
    if (event.isTrusted) canvas.setPointerCapture(pointer); // taps of the tour have no pointer to capture
    if (store.completion && view.tool !== "hide") tap = pointerPosition(canvas, event);
    else drawing.change(() => stroke(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    if (tap) {
      const [x, y] = pointerPosition(canvas, event);
      if (Math.hypot(x - tap[0], y - tap[1]) < MAX_TAP_MOVE) return;
      if (!drawing.isKnown(pixelAt(tap))) {
        release(); // strokes that begin on the model's pixels are ignored
        return;
      }
      last = tap;
      tap = null;
      drawing.change(() => stroke(event));
    }
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of events.length ? events : [event]) stroke(each);
    view.update();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      if (tap && name === "pointerup") store.selectPixel(pixelAt(tap));
      else if (name === "pointerup") stroke(event);
      release();
    });
  }
}

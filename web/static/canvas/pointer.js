// Pointers: their positions, and one pointer that drags from down to up.

// `event.button` and `event.buttons` of the eraser end of a pen.
const ERASER_BUTTON = 5, ERASER_BUTTONS = 32;

// The position of a pointer in pixels of the drawing, [x, y]. canvas: one screen pixel per picture pixel, scaled by CSS.
export function pointerPosition(canvas, event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [((event.clientX - left) / width) * canvas.width, ((event.clientY - top) / height) * canvas.height];
}

export const usesEraser = (event) => event.button === ERASER_BUTTON || Boolean(event.buttons & ERASER_BUTTONS);

// Follows one pointer on an element; others are ignored, except that a pen takes over from a finger, because a hand that
// rests on the screen is not meant. Handlers, each with the event:
//   start   the pointer went down
//   move    it moved
//   end     it went up, or its further events are lost: not every way out of the window has a "pointerup". Then `event` is
//           null, because the position is unknown.
//   cancel  what it did since `start` was not meant
export function followPointer(node, { start, move, end, cancel }) {
  let pointer = null; // {id, type}

  const on = (name, handle) => node.addEventListener(name, (event) => event.pointerId === pointer?.id && handle(event));
  const finish = (handler, event = null) => {
    pointer = null;
    handler(event);
  };

  node.addEventListener("pointerdown", (event) => {
    if (event.button > 0 && event.button !== ERASER_BUTTON) return;
    if (pointer && !(pointer.type === "touch" && event.pointerType === "pen")) return;
    if (pointer) finish(cancel);
    pointer = { id: event.pointerId, type: event.pointerType };
    if (event.isTrusted) node.setPointerCapture(event.pointerId); // taps of the tour have no pointer to capture
    start(event);
  });
  on("pointermove", (event) => (event.buttons ? move(event) : finish(end)));
  on("pointerup", (event) => finish(end, event));
  on("pointercancel", () => finish(cancel));
  on("lostpointercapture", () => finish(end));
}

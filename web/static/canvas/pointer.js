// Positions of pointer events.

// The position of a pointer in pixels of the drawing, [x, y]. canvas: one screen pixel per picture pixel, scaled by CSS.
export function pointerPosition(canvas, event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [((event.clientX - left) / width) * canvas.width, ((event.clientY - top) / height) * canvas.height];
}

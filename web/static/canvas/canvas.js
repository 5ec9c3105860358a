// The canvas with its tools and its cut line. Drawing happens in the browser; the server receives the drawing when a
// completion is requested. A completion is painted over the drawing, and its pixels can be selected to read about them.
import { listen } from "../core/dom.js";
import { startCutLine } from "./cut-line.js";
import { startKeyboardCursor } from "./keyboard-cursor.js";
import { paintPixels, pixelsAt } from "./paint.js";
import { startStrokes } from "./strokes.js";
import { startToolbar } from "./toolbar.js";

const FAINT = 70; // opacity of ink below the cut line, of 255

export function startCanvas(store, root) {
  const { width, height, drawing } = store;
  const canvas = root.querySelector(".pixels");
  Object.assign(canvas, { width, height });
  // cursor: the pixel of the keyboard, [row, column]; selectedPixel: the pixel that is read about, -1 for none;
  // drawing: whether a stroke is under way.
  const update = () => paintCanvas(store, root, view);
  const view = { canvas, update, tool: "brush", cursor: null, selectedPixel: -1, drawing: false };
  startStrokes(store, view);
  startKeyboardCursor(store, root, view);
  const updateCutLine = startCutLine(store, root, view);
  startToolbar(store, root, view);
  layOutGuides(root, width, height);

  store.addEventListener("pixel-selected", (event) => {
    view.selectedPixel = event.detail;
  });
  listen(store, ["request", "cleared"], () => {
    view.selectedPixel = -1;
  });
  const updateAll = () => {
    update();
    updateCutLine();
  };
  drawing.addEventListener("changed", updateAll);
  listen(store, ["position", "completions", "settings", "overlay"], updateAll);
  store.i18n.addEventListener("changed", updateAll);
  updateAll();
}

function paintCanvas(store, root, view) {
  const { width, height, drawing, completion, step } = store;
  const atEnd = store.position >= store.end;
  const pixels = completion && pixelsAt(completion, step, { highlight: !atEnd });
  const ink = (pixel) => {
    if (completion) return completion.known[pixel] ? completion.knownInk[pixel] : pixels.ink[pixel];
    return drawing.isKnown(pixel) ? store.quantize(drawing.ink[pixel]) : -1;
  };
  paintPixels(view.canvas.getContext("2d"), {
    width, height, ink,
    known: (pixel) => (completion ? completion.known[pixel] : drawing.isKnown(pixel)),
    newness: (pixel) => (pixels ? pixels.newness[pixel] : 0),
    // Unknown pixels are transparent, over the hatching. Ink below the cut line stays faintly visible.
    faint: (pixel) => (completion ? 0 : (drawing.ink[pixel] / 255) * FAINT),
    overlay: store.overlay,
  });
  const running = Boolean(completion) && !atEnd;
  const { cursor } = view, selectedPixel = completion ? view.selectedPixel : -1;
  const next = running && step < completion.order.length ? completion.order[step] : -1;
  frame(root.querySelector(".current-pixel"), next, store);
  frame(root.querySelector(".cursor"), cursor ? cursor[0] * width + cursor[1] : selectedPixel, store);
  root.querySelector(".hint").style.opacity = completion || drawing.cut < 6 || !drawing.blank ? 0 : 1;
  const stage = root.querySelector(".stage");
  stage.classList.toggle("running", running);
  stage.classList.toggle("done", Boolean(completion));
}

// Puts a frame around a pixel; -1 hides it.
function frame(box, pixel, { width, height }) {
  box.hidden = pixel < 0;
  if (pixel < 0) return;
  const row = Math.floor(pixel / width), column = pixel % width;
  Object.assign(box.style, { left: `${(100 * column) / width}%`, top: `${(100 * row) / height}%` });
  Object.assign(box.style, { width: `${100 / width}%`, height: `${100 / height}%` });
}

function layOutGuides(root, width, height) {
  const share = (pixels, of) => `${(100 * pixels) / of}%`;
  root.querySelector(".grid-lines").style.backgroundSize = `calc(100% / ${width}) calc(100% / ${height})`;
  Object.assign(root.querySelector(".guide").style, {
    left: share(4, 28), top: share(4, 28), width: share(20, 28), height: share(20, 28), // MNIST digits are inside this box
  });
}

// The canvas with its tools and its cut line. Drawing happens in the browser; the server receives the drawing when a
// completion is requested. A completion is painted over the drawing, and its pixels can be selected to read about them.
import { listen } from "../core/dom.js";
import { startCutLine } from "./cut-line.js";
import { startKeyboardCursor } from "./keyboard-cursor.js";
import { CompletionPainter, paintPixels, pixelsAt } from "./paint.js";
import { startStrokes } from "./strokes.js";
import { startToolbar } from "./toolbar.js";

const FAINT = 70; // opacity of ink below the cut line, of 255

export function startCanvas(store, root) {
  const { width, height, drawing } = store;
  const canvas = root.querySelector(".pixels");
  Object.assign(canvas, { width, height });
  // cursor: the pixel of the keyboard, [row, column]; selectedPixel: the pixel that is read about, -1 for none;
  // drawing: whether a stroke is under way.
  const update = () => showPicture(store, elements, view);
  const view = {
    canvas, painter: new CompletionPainter(canvas), update, tool: "brush", cursor: null, selectedPixel: -1, drawing: false,
  };
  const [stage, currentPixel, cursor, hint] = ["stage", "current-pixel", "cursor", "hint"].map((name) => root.querySelector(`.${name}`));
  const elements = { stage, currentPixel, cursor, hint };
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
  store.addEventListener("moved", update);
  store.i18n.addEventListener("changed", updateAll);
  updateAll();
}

function showPicture(store, { stage, currentPixel, cursor: cursorFrame, hint }, view) {
  const { width, drawing, completion, step } = store, { cursor } = view;
  const running = Boolean(completion) && store.position < store.end;
  if (completion && !store.overlay) view.painter.paint(completion, step, running);
  else paintCanvas(store, view, running);
  frame(currentPixel, running && step < completion.order.length ? completion.order[step] : -1, store);
  frame(cursorFrame, cursor ? cursor[0] * width + cursor[1] : completion ? view.selectedPixel : -1, store);
  hint.style.opacity = completion || drawing.cut < 6 || !drawing.blank ? 0 : 1;
  stage.classList.toggle("running", running);
  stage.classList.toggle("done", Boolean(completion));
}

// Paints the drawing, or a completion under an overlay.
function paintCanvas(store, view, highlight) {
  const { width, height, drawing, completion } = store;
  const pixels = completion && pixelsAt(completion, store.step, { highlight });
  const ink = (pixel) => {
    if (completion) return completion.known[pixel] ? completion.knownInk[pixel] : pixels.ink[pixel];
    return drawing.isKnown(pixel) ? store.quantize(drawing.ink[pixel]) : -1;
  };
  view.painter.forget();
  paintPixels(view.canvas.getContext("2d"), {
    width, height, ink,
    known: (pixel) => (completion ? completion.known[pixel] : drawing.isKnown(pixel)),
    newness: (pixel) => (pixels ? pixels.newness[pixel] : 0),
    // Unknown pixels are transparent, over the hatching. Ink below the cut line stays faintly visible.
    faint: (pixel) => (completion ? 0 : (drawing.ink[pixel] / 255) * FAINT),
    overlay: store.overlay,
  });
}

// Puts a frame, which has the size of a pixel, around one; -1 hides it. A transform moves it without a new layout.
function frame(box, pixel, { width }) {
  if (box.hidden !== pixel < 0) box.hidden = pixel < 0;
  if (pixel >= 0) box.style.transform = `translate(${100 * (pixel % width)}%, ${100 * Math.floor(pixel / width)}%)`;
}

function layOutGuides(root, width, height) {
  const share = (pixels, of) => `${(100 * pixels) / of}%`;
  for (const name of [".cursor", ".current-pixel"]) {
    Object.assign(root.querySelector(name).style, { left: 0, top: 0, width: share(1, width), height: share(1, height) });
  }
  root.querySelector(".grid-lines").style.backgroundSize = `calc(100% / ${width}) calc(100% / ${height})`;
  Object.assign(root.querySelector(".guide").style, {
    left: share(4, 28), top: share(4, 28), width: share(20, 28), height: share(20, 28), // MNIST digits are inside this box
  });
}

// Paints drawings and completions onto canvases with one screen pixel per picture pixel.

const KNOWN_INK = [24, 40, 72], SAMPLED_INK = [217, 72, 15], PAPER = [250, 248, 243], NEW_PIXEL = [255, 212, 59]; // RGB
const COOLING_STEPS = 10; // steps during which a new pixel is highlighted
const HIGHLIGHT = 0.35; // how much of a color the highlight of the newest pixel is
const blend = (share, from, to) => from + share * (to - from);

// The colors of known and of sampled ink from 0 to 255, without highlight and overlay: RGBA in one number.
const PLAIN = [KNOWN_INK, SAMPLED_INK].map((color) => new Uint32Array(Uint8ClampedArray.from({ length: 4 * 256 }, (_, index) =>
  index % 4 === 3 ? 255 : blend((index >> 2) / 255, PAPER[index % 4], color[index % 4])).buffer));
const TRANSPARENT_INK = PLAIN[0][255] & 0xffffff;

// The sampled pixels of a completion at a step: their ink, 0..255 or -1 a pixel, and how new they are, 0..1.
// highlight: whether new pixels are marked as such.
export function pixelsAt(completion, step, { highlight = true } = {}) {
  const size = completion.knownInk.length;
  const ink = new Int16Array(size).fill(-1), newness = new Float32Array(size);
  const end = Math.min(step, completion.ink.length);
  for (let index = 0; index < end; index++) ink[completion.order[index]] = completion.ink[index];
  for (let index = Math.max(0, end - COOLING_STEPS); highlight && index < end; index++) {
    newness[completion.order[index]] = 1 - (end - index) / COOLING_STEPS;
  }
  return { ink, newness };
}

// Paints one picture. Functions of a pixel's number:
//   known     whether it was drawn by the user, else by the model
//   ink       0..255, or -1 for an unknown pixel, which is transparent
//   newness   0..1, how strongly it is highlighted
//   faint     opacity 0..255 of ink at an unknown pixel
// overlay: {color, strength: 0..1 a pixel}, painted over everything; null for none.
export function paintPixels(context, { width, height, known, ink, newness = () => 0, faint = () => 0, overlay = null }) {
  const picture = context.createImageData(width, height), words = new Uint32Array(picture.data.buffer);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const value = ink(pixel), unknown = value < 0, highlight = HIGHLIGHT * newness(pixel);
    if (!overlay && !highlight) { // nearly all pixels of nearly all frames
      words[pixel] = unknown ? TRANSPARENT_INK | (faint(pixel) << 24) : PLAIN[known(pixel) ? 0 : 1][Math.round(value)];
      continue;
    }
    const color = known(pixel) || unknown ? KNOWN_INK : SAMPLED_INK;
    const veil = overlay ? overlay.strength[pixel] : 0;
    for (let channel = 0; channel < 3; channel++) {
      const plain = blend(unknown ? 1 : value / 255, PAPER[channel], color[channel]);
      const highlighted = blend(highlight, plain, NEW_PIXEL[channel]);
      const shown = overlay ? blend(unknown ? 1 : 0.8 * veil, highlighted, overlay.color[channel]) : highlighted;
      picture.data[4 * pixel + channel] = shown;
    }
    picture.data[4 * pixel + 3] = unknown ? Math.max(overlay ? 255 * veil : 0, faint(pixel)) : 255;
  }
  context.putImageData(picture, 0, 0);
}

// Paints completions onto a canvas, and from one step to another only the pixels that change. The canvas must have its size.
export class CompletionPainter {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
    this.picture = this.context.createImageData(canvas.width, canvas.height);
    this.words = new Uint32Array(this.picture.data.buffer);
    this.painted = null; // {completion, end, highlight}
  }

  // Call it when something else was painted onto the canvas.
  forget() {
    this.painted = null;
  }

  clear() {
    this.context.clearRect(0, 0, this.picture.width, this.picture.height);
    this.forget();
  }

  // highlight: whether new pixels are marked as such.
  paint(completion, step, highlight) {
    const end = Math.min(step, completion.ink.length), before = this.painted;
    const same = before?.completion === completion;
    if (same && before.end === end && before.highlight === highlight) return;
    if (!same) this.paintKnown(completion);
    // Pixels that were new are not any more.
    const first = same ? Math.max(0, Math.min(before.end, end) - COOLING_STEPS) : 0, last = same ? Math.max(before.end, end) : end;
    for (let index = first; index < last; index++) {
      const newness = highlight ? Math.max(0, 1 - (end - index) / COOLING_STEPS) : 0;
      this.words[completion.order[index]] = index < end ? sampledColor(completion.ink[index], newness) : TRANSPARENT_INK;
    }
    this.context.putImageData(this.picture, 0, 0);
    this.painted = { completion, end, highlight };
  }

  paintKnown({ known, knownInk }) {
    for (let pixel = 0; pixel < known.length; pixel++) {
      this.words[pixel] = known[pixel] ? PLAIN[0][Math.round(knownInk[pixel])] : TRANSPARENT_INK;
    }
  }
}

// The color of a sampled pixel: RGBA in one number.
function sampledColor(ink, newness) {
  if (!newness) return PLAIN[1][Math.round(ink)];
  const channel = (index) =>
    Math.round(blend(HIGHLIGHT * newness, blend(ink / 255, PAPER[index], SAMPLED_INK[index]), NEW_PIXEL[index]));
  return channel(0) | (channel(1) << 8) | (channel(2) << 16) | (255 << 24);
}

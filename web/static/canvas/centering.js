// Drawings unlike the digits that the models were trained on: small, off center, thin or thick. They are centered, scaled and
// drawn again with the page's brush along the center lines of their strokes, so that the strokes keep the usual width.
import { centerLines } from "./thinning.js";

const INK = 128; // from here on, a pixel is ink
const MIN_INK = 10; // pixels; with fewer, nothing can be said about a drawing
const MAX_SCALE = 4;
// Where digits are in the training data, in pixels of a picture with 28 rows. A digit has the height and width of the guide
// box at most, with its center of mass in the middle; tops of digits begin at a row, and are as wide as a box of 15 at most.
const SIZE = 28, BOX = 20, MIDDLE = 14, TOP = 5, TOP_WIDTH = 15, TOP_HEIGHTS = [9, 17], TOP_CENTER = 14.5;
// What is usual, beyond which there are about two percent of the training digits.
const USUAL = { whole: [0.75, 1.5], top: [0.7, 1.5], offset: 4.5, first: [1, 9], width: [0.95, 3.8] };
const WHOLE_BELOW = 1 / 3; // with this share of its height below the cut line, a drawing is not only the top of a digit

const clamp = (value, [low, high]) => Math.min(high, Math.max(low, value));
const within = (value, [low, high]) => value >= low && value <= high;

// The rows and columns that have ink, {top, bottom, left, right}, bottom and right excluded; its center of mass, [x, y]; and
// the width of the strokes: twice the area over the length of the edge. All in pixels. null if there is too little ink.
function measure({ ink, width, height }) {
  const isInk = (row, column) => row >= 0 && column >= 0 && row < height && column < width && ink[row * width + column] >= INK;
  const box = { top: height, bottom: 0, left: width, right: 0 };
  const sums = [0, 0];
  let area = 0, edge = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (!isInk(row, column)) continue;
      const sides = [isInk(row - 1, column), isInk(row + 1, column), isInk(row, column - 1), isInk(row, column + 1)];
      area += 1;
      edge += sides.filter((inside) => !inside).length;
      sums[0] += column + 0.5;
      sums[1] += row + 0.5;
      box.top = Math.min(box.top, row);
      box.bottom = Math.max(box.bottom, row + 1);
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column + 1);
    }
  }
  return area < MIN_INK ? null : { ...box, mass: sums.map((total) => total / area), strokeWidth: (2 * area) / edge };
}

// A drawing as "whole" or "top" of a digit: how it would be scaled and where (x, y) goes, {scale, from: [x, y], to: [x, y],
// cut: the row of the cut line then, unusual: whether scale or place are unlike the training data}.
const PLACES = {
  whole({ top, bottom, left, right, mass }, { cut, unit, radius }) {
    const extent = Math.max(bottom - top, right - left) - 2 * radius;
    const scale = Math.min(MAX_SCALE, (BOX * unit - 2 * radius) / Math.max(1, extent));
    const half = [(right - left) / 2 - radius, (bottom - top) / 2 - radius].map((length) => length * scale + radius);
    const center = [(left + right) / 2, (top + bottom) / 2];
    // The center of mass goes to the middle, unless the digit would touch the border.
    const place = center.map((at, axis) => MIDDLE * unit + scale * (at - mass[axis]));
    const to = place.map((at, axis) => clamp(at, [half[axis] + unit, (SIZE - 1) * unit - half[axis]]));
    const moved = (cut - center[1]) * scale + to[1], share = (cut - top) / (bottom - top);
    const unusual = !within(scale, USUAL.whole) || center.some((at) => Math.abs(at / unit - TOP_CENTER) > USUAL.offset);
    return { scale, from: center, to, cut: within(share, [0.25, 0.75]) ? moved : MIDDLE * unit, unusual };
  },
  top({ top, bottom, left, right }, { cut, unit, radius }) {
    const end = bottom >= cut ? cut : bottom - radius; // where a stroke ends, it is to be continued
    const height = end - top, width = right - left;
    const wanted = clamp(height, TOP_HEIGHTS.map((rows) => rows * unit));
    const widest = clamp(width, [TOP_WIDTH * unit, BOX * unit]);
    const scales = [(wanted - radius) / Math.max(1, height - radius), (widest - 2 * radius) / Math.max(1, width - 2 * radius)];
    const scale = Math.min(MAX_SCALE, ...scales);
    const from = [(left + right) / 2, top + radius], to = [TOP_CENTER * unit, TOP * unit + radius];
    const unusual = !within(scale, USUAL.top) || Math.abs(from[0] - to[0]) > USUAL.offset * unit || !within(top / unit, USUAL.first);
    return { scale, from, to, cut: (end - from[1]) * scale + to[1], unusual };
  },
};

// How a drawing could be centered, scaled and drawn again, the likelier way first: [{kind: "top" or "whole", ink, hidden, cut}].
// Empty if the drawing is like the training data.
export function centeredDrawings(drawing) {
  const { width, height, cut, radius } = drawing, box = measure(drawing);
  if (!box) return [];
  const unit = height / SIZE;
  const kinds = (box.bottom - cut) / (box.bottom - box.top) >= WHOLE_BELOW ? ["whole"] : ["top", "whole"];
  const places = kinds.map((kind) => PLACES[kind](box, { cut, unit, radius }));
  if (!places[0].unusual && within(box.strokeWidth / unit, USUAL.width)) return [];
  const lines = centerLines(drawing.ink, width, height);
  return places.map((place, index) => ({ kind: kinds[index], ...redraw(drawing, lines, place) }));
}

// lines: points of the center lines. Returns {ink, hidden, cut}.
function redraw({ width, height, radius, hidden }, lines, { scale, from, to, cut }) {
  const moved = lines.map((point) => point.map((value, axis) => (value - from[axis]) * scale + to[axis]));
  const ink = new Uint8Array(width * height), newHidden = new Uint8Array(width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = (pixel % width) + 0.5, y = Math.floor(pixel / width) + 0.5;
    const distance = Math.min(...moved.map((point) => Math.hypot(point[0] - x, point[1] - y)));
    ink[pixel] = Math.round(255 * clamp(radius + 0.5 - distance, [0, 1])); // as Drawing.stamp
    const column = Math.floor((x - to[0]) / scale + from[0]), row = Math.floor((y - to[1]) / scale + from[1]);
    const inside = column >= 0 && row >= 0 && column < width && row < height;
    newHidden[pixel] = inside ? hidden[row * width + column] : 0;
  }
  return { ink, hidden: newHidden, cut: clamp(Math.round(cut), [1, height - 1]) };
}

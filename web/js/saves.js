// What can be taken away: the picture as PNG, the film as GIF, the trace as JSON. All of it is of what is on the desk.
import { hexOf } from "./dom.js";
import { fetched } from "./server.js";
import { sum } from "./takes.js";

const EDGE = 896; // of the PNG, about, in screen pixels
const EMPTY = "#e5dfd2"; // what nobody has drawn yet

// The picture on a canvas of one dot a pixel, as it is shown now, each pixel enlarged.
export function pictureOf(canvas) {
  const large = document.createElement("canvas"), zoom = Math.max(1, Math.round(EDGE / canvas.width));
  Object.assign(large, { width: canvas.width * zoom, height: canvas.height * zoom });
  const context = large.getContext("2d");
  context.fillStyle = EMPTY;
  context.fillRect(0, 0, large.width, large.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return new Promise((resolve) => large.toBlob(resolve, "image/png"));
}

// The takes side by side as they were filled; the server makes the GIF.
export function filmOf({ width, height, takes }) {
  const parts = [...new Set(takes.map((take) => take.yours))].map((yours) => {
    const same = takes.filter((take) => take.yours === yours);
    const drawing = { ink: hexOf(yours), known: same[0].known.join("") };
    return { drawing, order: same[0].order, drawn: same.map((take) => hexOf(take.ink)) };
  });
  return fetched("gif", { width, height, parts });
}

// What /complete answers, for all takes of the model whose take is on the easel, as far as they are there.
export function traceOf({ width, height, take, takes }) {
  const { model, seed, levels, temperature, digit } = take;
  const same = takes.filter((one) => one.model === model);
  const done = Math.min(...same.map((one) => one.ink.length));
  const level = (ink) => Math.round((ink * (levels - 1)) / 255);
  const spot = (pixel) => [Math.floor(pixel / width), pixel % width];
  const images = same.map((one) => {
    const picture = Array.from(one.yours, (ink, pixel) => (one.known[pixel] ? level(ink) : 0));
    for (let place = 0; place < done; place++) picture[one.order[place]] = level(one.ink[place]);
    return Array.from({ length: height }, (_, row) => picture.slice(row * width, (row + 1) * width));
  });
  const exact = (value) => (Number.isNaN(value) ? null : Number(value.toFixed(5)));
  const nats = same.map((one) => one.nats ?? exact(sum(one.bits, done) * Math.LN2));
  return {
    model, seed, levels, temperature, digit, images, nats,
    digits: same.map((one) => one.drew),
    order: take.order.slice(0, done).map(spot),
    probabilities: same.map((one) => Array.from(one.given.slice(0, done), exact)),
    known_order: take.yoursOrder.map(spot),
    known_probabilities: Array.from(take.yoursBits, (bits) => exact(2 ** -bits)),
  };
}

// Hand a file over, as a download.
export function save(blob, name) {
  const link = document.createElement("a"), address = URL.createObjectURL(blob);
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000); // some browsers begin late
}

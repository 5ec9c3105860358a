// Where models look: the masks of PixelCNN's paper, and what two models see of the past of one pixel, side by side.
import { make, numbers } from "./dom.js";
import { ask } from "./server.js";

const known = new Map(); // answers do not change while the page is open

// How much a model's prediction of a pixel looks at every other, 0..255 each, from its real gradient.
export function sightOf(model, pixel) {
  const key = `${model} ${pixel}`;
  if (!known.has(key)) {
    const asked = ask(`sight?model=${encodeURIComponent(model)}&pixel=${pixel}`).then((answer) => numbers(answer.strength, 2));
    known.set(key, asked);
    asked.catch(() => known.delete(key));
  }
  return known.get(key);
}

// Mask A or B of 1601.06759, Fig. 2, as a grid: what it reads, its centre, what it must not see.
function mask(size, centre) {
  const middle = (size * size - 1) / 2;
  const cells = Array.from({ length: size * size }, (_, place) => {
    const reads = place < middle || (place === middle && centre);
    return make("i", { class: place === middle ? (reads ? "centre reads" : "centre") : reads ? "reads" : "" });
  });
  return make("div", { class: "mask", style: `grid-template-columns: repeat(${size}, 1fr)`, "aria-hidden": "true" }, cells);
}

export function startSight(desk, box) {
  const { words, width, height } = desk;
  const figure = (inside, say) => make("figure", {}, inside, make("figcaption", { say }));
  const masks = make("div", { class: "masks" }, figure(mask(7, false), "sight.mask_a"), figure(mask(3, true), "sight.mask_b"));
  const fields = make("div", { class: "fields" });
  const note = make("p", { "aria-live": "polite" });
  const slide = make("input", { type: "range", min: 0, max: width * height - 1, label: "sight.pixel", oninput: () => show(slide.value) });
  box.append(make("p", { say: "sight.lead" }), masks, make("p", { say: "sight.pair" }), fields, slide, note);
  const telling = Math.floor(0.64 * height) * width + Math.floor(0.43 * width); // where a blind spot shows
  let pixel = telling, turn = 0, soon = 0, here = false;

  // PixelCNN beside the model that sees most, as far as the server has them.
  function pair() {
    const has = desk.facts.models;
    return ["pixelcnn", "gated_pixelcnn" in has ? "gated_pixelcnn" : "freeform"].filter((name) => name in has);
  }

  async function show(at) {
    pixel = Number(at);
    slide.value = pixel;
    slide.setAttribute("aria-valuetext", words.say("sight.at", { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 }));
    const names = pair(), mine = ++turn;
    note.textContent ||= words.say("sight.looking");
    const seen = await Promise.all(names.map((name) => sightOf(name, pixel).catch(() => null)));
    if (mine !== turn) return;
    fields.replaceChildren(...names.map((name, place) => field(name, seen[place])));
    note.textContent = names.map((name, place) => sentence(name, seen[place])).join(" ");
  }

  // Pixels before the one in question that a model does not see: in its blind spot, or further away, up or sideways, than
  // anything that it does see.
  function missed(seen) {
    const blind = new Set(), far = new Set();
    const up = (place) => Math.floor(pixel / width) - Math.floor(place / width);
    const aside = (place) => Math.abs((place % width) - (pixel % width));
    const all = Array.from({ length: pixel }, (_, place) => place), read = all.filter((place) => seen[place]);
    const highest = Math.max(0, ...read.map(up)), widest = Math.max(0, ...read.map(aside));
    for (const place of all) {
      if (!seen[place]) (up(place) <= highest && aside(place) <= widest ? blind : far).add(place);
    }
    return { blind, far };
  }

  function sentence(name, seen) {
    if (!seen) return words.say("about.silent");
    const { blind, far } = missed(seen), count = blind.size + far.size;
    return words.say(count ? "sight.blind" : "sight.unseen", { model: name, count, all: pixel, blind: blind.size, far: far.size });
  }

  function field(name, seen) {
    const canvas = make("canvas", { width, height, role: "img", "aria-label": sentence(name, seen) });
    const { blind, far } = seen ? missed(seen) : { blind: new Set(), far: new Set() };
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      const share = seen ? seen[place] / 255 : 0;
      const read = [250, 248, 243].map((from, part) => from + share * ([24, 100, 171][part] - from));
      const colour = place === pixel ? [217, 72, 15] : blind.has(place) ? [255, 212, 59] : far.has(place) ? [203, 213, 225] : read;
      picture.data.set([...colour, place > pixel ? 90 : 255], 4 * place);
    }
    context.putImageData(picture, 0, 0);
    const counts = { "data-unseen": seen ? blind.size + far.size : "?", "data-blind": blind.size };
    return make("figure", { "data-model": name, ...counts }, canvas, make("figcaption", {}, name));
  }

  // The pixel that comes next, once the clock stands still; of a whole picture, one that tells something.
  function follow() {
    clearTimeout(soon);
    if (!here || desk.playing) return;
    const next = desk.take?.order[desk.moment] ?? telling;
    if (next !== pixel || !fields.children.length) soon = setTimeout(() => show(next), 120);
  }
  desk.addEventListener("moment", follow);
  words.addEventListener("changed", () => here && show(pixel));
  return {
    shown() {
      here = true;
      follow();
    },
    hidden() {
      here = false;
    },
  };
}

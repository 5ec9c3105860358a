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
  let pixel = 18 * width + 12, turn = 0;

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
    const seen = await Promise.all(names.map((name) => sightOf(name, pixel).catch(() => null)));
    if (mine !== turn) return;
    const unseen = names.map((name, place) => (seen[place] ? seen[place].slice(0, pixel).filter((value) => !value).length : "?"));
    fields.replaceChildren(...names.map((name, place) => field(name, seen[place], unseen[place])));
    note.textContent = names.map((name, place) => words.say("sight.unseen", { model: name, count: unseen[place], all: pixel })).join(" ");
  }

  function field(name, seen, unseen) {
    const canvas = make("canvas", { width, height, role: "img", "aria-label": words.say("sight.unseen", { model: name, count: unseen, all: pixel }) });
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    for (let place = 0; place < width * height; place++) {
      const share = seen ? seen[place] / 255 : 0;
      const blind = seen && place < pixel && !seen[place];
      const colour = place === pixel ? [217, 72, 15] : blind ? [255, 212, 59] : [250, 248, 243].map((from, part) => from + share * ([24, 100, 171][part] - from));
      picture.data.set([...colour, place > pixel ? 90 : 255], 4 * place);
    }
    context.putImageData(picture, 0, 0);
    return make("figure", { "data-model": name, "data-unseen": unseen }, canvas, make("figcaption", {}, name));
  }

  const follow = () => desk.take && !desk.playing && show(desk.take.order[Math.min(desk.moment, desk.take.order.length - 1)]);
  words.addEventListener("changed", () => show(pixel));
  return { shown: () => (desk.take ? follow() : show(pixel)) };
}

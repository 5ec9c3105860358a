// The elements of the anatomy panel, and what they show of one pixel.
import { TEMPERATURES } from "../core/completion.js";
import { make } from "../core/dom.js";
import { makeChart } from "./anatomy-chart.js";

// RGB. Neither the drawing's blue nor the model's orange; one is dark and the other light for every kind of color vision.
export const UP = [106, 27, 154], DOWN = [46, 175, 100];
const PIXEL = [255, 212, 59]; // as in anatomy.css
const PAPER = [250, 248, 243], INK = [24, 40, 72], FAINT_INK = [150, 150, 150];
const blend = (share, from, to) => from.map((value, channel) => value + share * (to[channel] - value));

// handlers: {noise(number), temperature(number), branch(), uncertain(pixel)}, called when the user changes something.
export function makeView(box, { width, height }, handlers) {
  const note = make("p", { class: "anatomy-note", "aria-live": "polite" });
  const picture = make("canvas", { width, height, role: "img", class: "anatomy-picture" });
  const mask = make("div", { role: "img", class: "anatomy-mask" });
  const captioned = (content, key) => make("figure", {}, content, make("figcaption", { i18n: key }));
  const text = (name) => make("p", { class: `anatomy-${name}` });
  const swatch = (name, color) =>
    [make("i", { style: `background: rgb(${color})`, "aria-hidden": "true" }), make("span", { class: `anatomy-${name}` })];
  const legend = make("p", { class: "anatomy-legend" }, swatch("up", UP), swatch("down", DOWN));
  const chart = makeChart();
  const temperature = make("input", {
    type: "range", class: "anatomy-temperature", ...TEMPERATURES,
    oninput: () => handlers.temperature(Number(temperature.value)),
  });
  const noise = make("input", {
    type: "range", class: "anatomy-noise", min: 0, max: 0.999, step: 0.001, i18nLabel: "anatomy.noise",
    oninput: () => handlers.noise(Number(noise.value)),
  });
  const draw = make("p", { class: "anatomy-draw", "aria-live": "polite" });
  const branch = make("button", { type: "button", class: "anatomy-branch", onclick: () => handlers.branch() });
  const uncertain = make("button", {
    type: "button", class: "anatomy-uncertain", onclick: () => handlers.uncertain(Number(uncertain.dataset.pixel)),
  });
  const columnName = (key) => make("th", { scope: "col", i18n: key });
  const head = make("thead", {}, make("tr", {}, make("td"), columnName("anatomy.probability"), columnName("anatomy.nats")));
  const numbers = make("tbody");
  const parts = {
    note, picture, mask, chart, temperature, noise, draw, branch, uncertain, numbers, pushes: text("pushes"),
    up: legend.querySelector("span.anatomy-up"), down: legend.querySelector("span.anatomy-down"),
    logit: text("logit"), formula: text("formula"),
  };
  const heading = (key) => make("h3", { i18n: key });
  parts.sampled = make("div", {},
    heading("anatomy.noise"), noise, draw, branch, uncertain,
    heading("anatomy.likelihood"), parts.formula, make("table", { class: "anatomy-numbers" }, head, numbers),
    make("p", {}, make("small", { i18n: "anatomy.at_one" })));
  parts.body = make("div", { hidden: true },
    make("div", { class: "anatomy-figures" },
      captioned(mask, "anatomy.neighborhood"), captioned(picture, "anatomy.attribution")),
    legend, parts.pushes, heading("anatomy.prediction"), chart, parts.logit,
    make("label", { class: "anatomy-field" }, make("span", { i18n: "settings.temperature" }), temperature), parts.sampled);
  box.append(note, parts.body);
  return parts;
}

// Every pixel of the picture in the color of its push, over faint ink. ink: 0..255 a pixel, -1 for one that is not there.
export function paintAttribution(canvas, { attribution, pixel, ink }) {
  const context = canvas.getContext("2d"), picture = context.createImageData(canvas.width, canvas.height);
  const strongest = Math.max(...attribution.map(Math.abs)) || 1;
  attribution.forEach((push, each) => {
    const base = blend(Math.max(0, ink[each]) / 255, PAPER, FAINT_INK);
    // The square root keeps weak pushes visible.
    const color = each === pixel ? PIXEL : blend(Math.sqrt(Math.abs(push) / strongest), base, push > 0 ? UP : DOWN);
    picture.data.set([...color, ink[each] < 0 && each !== pixel && !push ? 0 : 255], 4 * each);
  });
  context.putImageData(picture, 0, 0);
}

// The window around a pixel: what the first masked layers read, and the mask over everything else.
export function showNeighborhood(box, { neighborhood, pixel, ink, width, height }) {
  const reads = new Set(neighborhood.map((offset) => offset.join()));
  const reach = (axis) => Math.max(1, ...neighborhood.map((offset) => Math.abs(offset[axis])));
  const rows = reach(0), columns = reach(1), darkness = (other) => Math.max(0, ink[other]) / 255;
  const cells = [];
  for (let row = -rows; row <= rows; row++) {
    for (let column = -columns; column <= columns; column++) {
      const y = Math.floor(pixel / width) + row, x = (pixel % width) + column;
      const inside = x >= 0 && x < width && y >= 0 && y < height, read = reads.has([row, column].join());
      const kind = row === 0 && column === 0 ? "center" : !read ? "masked" : inside ? "reads" : "outside";
      const color = kind === "reads" && blend(darkness(y * width + x), PAPER, INK).join();
      cells.push(make("i", { class: kind, style: color && `background: rgb(${color})` }));
    }
  }
  box.style.gridTemplateColumns = `repeat(${2 * columns + 1}, minmax(0, 26px))`;
  box.replaceChildren(...cells);
}

// rows: [name, probability in percent or "", nats] as texts.
export function showNumbers(body, rows) {
  body.replaceChildren(...rows.map(([name, percent, nats]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, percent), make("td", {}, nats))));
}

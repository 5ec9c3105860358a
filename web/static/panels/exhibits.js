// The exhibits of the comparison: models without a likelihood, whose pictures are shown as they improve.
import { paintPixels } from "../canvas/paint.js";
import { ApiError, streamJson } from "../core/api.js";
import { ClassChoice } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { fromHex } from "../core/hex.js";
import { completionParts, messageOf } from "../core/request.js";

// How many pictures a kind shows, and how many samples are requested for them.
const KINDS = { dcgan: { pictures: 4, samples: 4 }, pix2pix: { pictures: 2, samples: 1 } };

// The drawing, the seed of the settings and the rest of a request to one model or exhibit, without a digit.
export const partOf = (store, entry, samples) =>
  completionParts(store, { models: [entry], samples, digit: ClassChoice.NONE })[0];

// The frames of an exhibit for a part.
export const framesOf = (part, signal) => streamJson("exhibit-frames", messageOf(part), signal);

// Paints a picture of two hexadecimal digits a pixel; ink that was not drawn by the user is orange.
export function paintInk(context, picture, known, { width, height }) {
  const ink = fromHex(picture, 2);
  paintPixels(context, { width, height, known: (pixel) => known[pixel], ink: (pixel) => ink[pixel] });
}

// What a search has found: the digits that its starts are read as, and the start with the smallest contextual error.
export function bestStart(captions) {
  const errors = captions.map(({ params }) => params.error), best = errors.indexOf(Math.min(...errors));
  return { digits: captions.map(({ params }) => params.digit).join(", "), error: errors[best], number: best + 1 };
}

function makeRow({ width, height }, entry, kind) {
  const canvases = Array.from({ length: KINDS[kind].pictures }, () => make("canvas", { width, height, role: "img", "aria-hidden": "true" }));
  const note = make("p", { class: "ladder-facts", "aria-live": "polite" }), tries = make("div", { class: "ladder-tries" });
  const text = make("div", {},
    make("strong", { i18n: `exhibits.${kind}_name` }), make("p", { i18n: `exhibits.${kind}` }),
    make("p", { class: "ladder-test", i18n: "exhibits.no_likelihood" }), note, tries);
  const pictures = make("div", { class: "exhibit-pictures" }, canvases);
  return { entry, kind, canvases, note, tries, frames: [], item: make("li", { "data-model": entry }, pictures, text) };
}

// The exhibits of the server, if it has any: {rows, elements, run}. elements: for the panel. run: completes the drawing
// with each of them.
export function startExhibits(store) {
  const { i18n } = store, offered = Object.entries(store.facts.exhibits ?? {});
  const rows = offered.filter(([, { model }]) => model in KINDS).map(([entry, { model }]) => makeRow(store, entry, model));
  const list = make("ol", { class: "ladder" }, rows.map(({ item }) => item));
  const elements = rows.length ? [make("h3", { i18n: "exhibits.title" }), make("p", { i18n: "exhibits.lead" }), list] : [];
  let controller = new AbortController();

  function describe({ kind, frames, error }) {
    const last = frames.at(-1);
    if (error) return i18n.errorText(error);
    if (!last) return "";
    if (last.step < last.steps) return i18n.t("exhibits.step", last);
    const seconds = i18n.t("exhibits.seconds", { seconds: (last.ms / 1000).toFixed(2) });
    const found = kind === "pix2pix"
      ? frames.map(({ captions }) => i18n.messageText(captions[0])) : [i18n.t("exhibits.starts", bestStart(last.captions))];
    return [...found, seconds].join(" ");
  }

  function show(row) {
    const { frames, canvases, known, note, kind } = row;
    note.textContent = describe(row);
    canvases.forEach((canvas, index) => {
      const context = canvas.getContext("2d");
      const [frame, sample] = kind === "pix2pix" ? [frames[index], 0] : [frames.at(-1), index];
      const digit = frame?.captions[sample].params.digit ?? "";
      canvas.setAttribute("aria-hidden", !frame); // an empty picture has no name
      canvas.setAttribute("aria-label", i18n.t("exhibits.picture", { number: index + 1, digit }));
      if (frame) paintInk(context, frame.pictures[sample], known, store);
      else context.clearRect(0, 0, canvas.width, canvas.height);
    });
  }

  function clear() {
    controller.abort();
    controller = new AbortController();
    for (const row of rows) show(Object.assign(row, { frames: [], error: null }));
  }

  async function complete(row, signal) {
    const part = partOf(store, row.entry, KINDS[row.kind].samples);
    row.known = part.known;
    try {
      for await (const frame of framesOf(part, signal)) {
        row.frames.push(frame);
        show(row);
      }
    } catch (error) {
      if (signal.aborted) return;
      row.error = error instanceof ApiError ? error : new ApiError(error.message, "no_response"); // the connection broke
      show(row);
    }
  }

  async function run() {
    clear();
    const { signal } = controller;
    for (const row of rows) if (!signal.aborted) await complete(row, signal);
  }

  listen(store, ["cleared"], clear);
  i18n.addEventListener("changed", () => rows.forEach(show));
  return { rows, elements, run };
}

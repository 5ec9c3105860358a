// Sixteen tries of every model of the comparison, for the same drawing: which digits a classifier reads in them.
import { ApiError, fetchJson } from "../core/api.js";
import { listen, make } from "../core/dom.js";
import { messageOf } from "../core/request.js";
import { framesOf, paintInk, partOf } from "./exhibits.js";

const TRIES = 16, COLUMNS = 8;

// The digits that were read, the most frequent first: [[digit, count], ...].
export function countDigits(digits) {
  const counts = new Map();
  for (const digit of digits.map(String)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

async function triesOfModel(part) {
  const { pictures } = await fetchJson("pictures", messageOf(part));
  const { digits } = await fetchJson("read-digits", { pictures });
  return { pictures, digits };
}

async function triesOfExhibit(part, signal) {
  let last = null;
  for await (const frame of framesOf(part, signal)) last = frame;
  return { pictures: last.pictures, digits: last.captions.map(({ params }) => params.digit) };
}

// All pictures in one canvas, COLUMNS in a row.
function contactSheet(store, pictures, known) {
  const { width, height } = store, sheet = make("canvas", { class: "tries-sheet", "aria-hidden": "true" });
  sheet.width = COLUMNS * (width + 1) - 1;
  sheet.height = Math.ceil(pictures.length / COLUMNS) * (height + 1) - 1;
  const tile = make("canvas", { width, height });
  pictures.forEach((picture, index) => {
    paintInk(tile.getContext("2d"), picture, known, store);
    sheet.getContext("2d").drawImage(tile, (index % COLUMNS) * (width + 1), Math.floor(index / COLUMNS) * (height + 1));
  });
  return sheet;
}

// rows: {entry, tries: the element for the result, kind: of an exhibit}. Returns the button that starts it.
export function startTries(store, rows) {
  const { i18n } = store, button = make("button", { type: "button", class: "ladder-sixteen", i18n: "tries.run", onclick: run });
  let controller = new AbortController();

  function clear() {
    controller.abort();
    controller = new AbortController();
    button.disabled = false;
    for (const row of rows) row.tries.replaceChildren();
  }

  function show(row, { digits, pictures, known }) {
    const counts = countDigits(digits), list = counts.map(([digit, count]) => `${digit} × ${count}`).join(", ");
    const text = i18n.t("tries.result", { count: counts.length, tries: digits.length, list });
    row.tries.replaceChildren(contactSheet(store, pictures, known), make("p", {}, text));
  }

  async function run() {
    clear();
    store.drawing.settle();
    const { signal } = controller;
    button.disabled = true;
    for (const [row, part] of rows.map((row) => [row, partOf(store, row.entry, TRIES)])) {
      row.tries.replaceChildren(make("p", {}, i18n.t("tries.waiting")));
      const answer = await (row.kind ? triesOfExhibit : triesOfModel)(part, signal).catch((error) => error);
      if (signal.aborted) return;
      if (!(answer instanceof Error)) show(row, { ...answer, known: part.known });
      else row.tries.replaceChildren(make("p", {}, i18n.errorText(answer instanceof ApiError ? answer : { code: "no_response" })));
    }
    button.disabled = false;
  }

  listen(store, ["cleared"], clear);
  return button;
}

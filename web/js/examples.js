// One tap: halves that could become either of two digits, real tops, and nothing at all. A tap puts one on the easel, which
// can be undone, and completes it.
import { make } from "./dom.js";
import { paintPixels } from "./easel.js";
import { EXAMPLES } from "./examples-data.js";

const SIDE = 28; // of the pictures that the halves come from
const EMPTY = { digits: [], rows: 0, bits: [] };
const UNSURE = 4; // completions of a half that could be either, so that they can disagree

export function startExamples(desk, box) {
  const { width, height, words } = desk;
  const named = []; // [element, how it is called]

  // Ink 0..255 a pixel at the size of this canvas, paper below the cut.
  function inkOf({ rows, bits }) {
    const black = (row, column) => (Number(`0x${bits[row].slice(column >> 2, (column >> 2) + 1)}`) >> (3 - (column & 3))) & 1;
    return Uint8Array.from({ length: width * height }, (_, pixel) => {
      const row = Math.floor((Math.floor(pixel / width) * SIDE) / height), column = Math.floor(((pixel % width) * SIDE) / width);
      return row < rows ? 255 * black(row, column) : 0;
    });
  }

  function pictured(example) {
    const canvas = make("canvas", { width, height }), caption = make("span");
    const ink = inkOf(example), cut = Math.round((example.rows * height) / SIDE);
    const level = (pixel) => (pixel < cut * width ? ink[pixel] : -1);
    paintPixels(canvas.getContext("2d"), { width, height, level, mine: () => true, heat: () => 0 });
    const button = make("button", { type: "button", class: "example", onclick: () => take(example, ink, cut) }, canvas, caption);
    named.push([caption, button, example.digits]);
    return button;
  }

  function take({ digits }, ink, cut) {
    desk.drawing.change((drawing) => {
      drawing.ink.set(ink);
      drawing.holes.fill(0);
      drawing.cutAt(cut);
    });
    const { samples } = desk.settings;
    desk.complete({ once: digits.length > 1 && samples < UNSURE ? { samples: UNSURE } : {} });
    box.closest(".page").querySelector(".stage").scrollIntoView({ block: "nearest" });
  }

  const group = (say, examples) => [
    make("h3", { say }),
    make("div", { class: "examples", role: "group", label: say }, examples.map(pictured)),
  ];
  box.append(
    ...group("examples.either", EXAMPLES.filter(({ digits }) => digits.length > 1)),
    ...group("examples.tops", [...EXAMPLES.filter(({ digits }) => digits.length === 1), EMPTY]),
  );

  function call() {
    for (const [caption, button, digits] of named) {
      const [one, other] = digits, count = ["empty", "top", "either"][digits.length];
      caption.textContent = words.say(`examples.${count}_name`, { one, other });
      button.setAttribute("aria-label", words.say(`examples.${count}_label`, { one, other }));
    }
  }

  words.addEventListener("changed", call);
  call();
}

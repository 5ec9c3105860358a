// The examples panel: halves that could become either of two digits, tops of real digits, and an empty canvas. The first
// kind also stands in the gallery while that is empty.
import { make } from "../core/dom.js";
import { kindOf, makeExampleButton } from "./example-button.js";
import { EXAMPLES } from "./examples-data.js";

const EMPTY = { digits: [], rows: 0, bits: [] };
const STARTERS = 4; // in the empty gallery

const ofKind = (kind) => EXAMPLES.filter((example) => kindOf(example) === kind);

export function startExamples(store, box) {
  const root = box.closest(".page");
  const group = (key, examples) => [
    make("h3", { i18n: key }),
    make("div", { class: "examples", role: "group", i18nLabel: key },
      examples.map((example) => makeExampleButton(store, root, example))),
  ];
  box.append(...group("examples.ambiguous", ofKind("ambiguous")), ...group("examples.tops", [...ofKind("top"), EMPTY]));
}

export function startStarters(store, root) {
  const buttons = ofKind("ambiguous").slice(0, STARTERS).map((example) => makeExampleButton(store, root, example));
  root.querySelector(".starters").append(...buttons);
}

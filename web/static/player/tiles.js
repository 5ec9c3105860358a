// The completions side by side, as buttons that select one of them.
import { CompletionPainter } from "../canvas/paint.js";
import { ClassChoice } from "../core/completion.js";
import { make, narrowScreen, setText } from "../core/dom.js";

const ROW = 4; // tiles in a row if there are two models with this many completions each

export function startTiles(store, root) {
  const { width, height, i18n } = store;
  const tiles = root.querySelector(".tiles");
  let views = []; // of the completions: {button, caption, painter, state: what the button says}
  let firstAnswer = false; // whether the next completions are the first answer to a request

  const severalModels = () => new Set(store.completions.map((completion) => completion.model)).size > 1;

  function layOut() {
    const count = store.completions.length, twoRows = severalModels() && count === 2 * ROW;
    views = store.completions.map((_, index) => {
      const canvas = make("canvas", { width, height }), caption = make("span", { class: "caption" });
      const button = make("button", { type: "button", class: "tile", onclick: () => store.select(index) }, canvas, caption);
      return { button, caption, painter: new CompletionPainter(canvas) };
    });
    tiles.replaceChildren(...views.map(({ button }) => button));
    tiles.dataset.count = twoRows ? ROW : count;
    tiles.style.gridTemplateColumns = `repeat(${twoRows ? ROW : Math.ceil(Math.sqrt(count))}, 1fr)`;
  }

  function captionOf({ branchStep, model, sampledDigit }) {
    const digit = sampledDigit === ClassChoice.NONE ? "" : `→ ${sampledDigit}`;
    const origin = branchStep ? i18n.t("player.branch", { pixel: branchStep + 1 }) : severalModels() ? model : "";
    return [digit, origin].filter(Boolean).join(" · ");
  }

  function describe(view, completion, index) {
    const { button, caption } = view, text = captionOf(completion), pressed = index === store.selected;
    const state = `${i18n.language} ${text} ${pressed}`;
    if (view.state === state) return; // this runs while pictures grow, too
    view.state = state;
    button.setAttribute("aria-label", [i18n.t("player.sample", { number: index + 1 }), text].filter(Boolean).join(", "));
    button.setAttribute("aria-pressed", pressed);
    setText(caption, text.replaceAll("_", "_\u200b")); // a line may break there
  }

  function paint() {
    const { step } = store, highlight = store.position < store.end;
    views.forEach(({ painter }, index) => painter.paint(store.completions[index], step, highlight));
  }

  function show() {
    if (views.length !== store.completions.length) layOut();
    views.forEach((view, index) => describe(view, store.completions[index], index));
    paint();
  }

  // Scrolls to several new completions, except on a small screen with an open panel, which stays in view.
  function scrollIntoView() {
    show();
    if (!narrowScreen() || !root.classList.contains("with-panel")) tiles.scrollIntoView({ block: "nearest" });
  }

  store.addEventListener("request", () => {
    firstAnswer = true;
  });
  store.addEventListener("moved", paint);
  store.addEventListener("completions", () => {
    if (views.length !== store.completions.length) layOut();
    if (firstAnswer && store.completions.length > 1) scrollIntoView();
    firstAnswer = false;
  });
  return { show };
}

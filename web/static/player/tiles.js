// The completions side by side, as buttons that select one of them.
import { paintCompletion } from "../canvas/paint.js";
import { ClassChoice } from "../core/completion.js";
import { make, narrowScreen } from "../core/dom.js";

const ROW = 4; // tiles in a row if there are two models with this many completions each

export function startTiles(store, root) {
  const { width, height, i18n } = store;
  const tiles = root.querySelector(".tiles");
  let firstAnswer = false; // whether the next completions are the first answer to a request

  const severalModels = () => new Set(store.completions.map((completion) => completion.model)).size > 1;

  function layOut() {
    const count = store.completions.length, twoRows = severalModels() && count === 2 * ROW;
    tiles.replaceChildren(...store.completions.map((_, index) =>
      make("button", { type: "button", class: "tile", onclick: () => store.select(index) },
        make("canvas", { width, height }), make("span", { class: "caption" })),
    ));
    tiles.dataset.count = twoRows ? ROW : count;
    tiles.style.gridTemplateColumns = `repeat(${twoRows ? ROW : Math.ceil(Math.sqrt(count))}, 1fr)`;
  }

  function captionOf({ branchStep, model, sampledDigit }) {
    const digit = sampledDigit === ClassChoice.NONE ? "" : `→ ${sampledDigit}`;
    const origin = branchStep ? i18n.t("player.branch", { pixel: branchStep + 1 }) : severalModels() ? model : "";
    return [digit, origin].filter(Boolean).join(" · ");
  }

  function showTile(button, completion, index) {
    const caption = captionOf(completion), pressed = String(index === store.selected);
    const label = [i18n.t("player.sample", { number: index + 1 }), caption].filter(Boolean).join(", ");
    // This runs at every frame, so attributes are only set if they change.
    if (button.getAttribute("aria-label") !== label) {
      button.setAttribute("aria-label", label);
      button.querySelector(".caption").textContent = caption.replaceAll("_", "_\u200b"); // a line may break there
    }
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    const context = button.querySelector("canvas").getContext("2d"), highlight = store.position < store.end;
    paintCompletion(context, { width, height, completion, step: store.step, highlight });
  }

  function show() {
    const { completions } = store;
    if (!completions.length) return tiles.replaceChildren();
    if (tiles.children.length !== completions.length) layOut();
    completions.forEach((completion, index) => showTile(tiles.children[index], completion, index));
  }

  // Scrolls to several new completions, except on a small screen with an open panel, which stays in view.
  function scrollIntoView() {
    show();
    if (!narrowScreen() || !root.classList.contains("with-panel")) tiles.scrollIntoView({ block: "nearest" });
  }

  store.addEventListener("request", () => {
    firstAnswer = true;
  });
  store.addEventListener("completions", () => {
    if (tiles.children.length !== store.completions.length) layOut();
    if (firstAnswer && store.completions.length > 1) scrollIntoView();
    firstAnswer = false;
  });
  return { show };
}

// The offer to center and scale a drawing that is unlike the training data: a button in the status line, which shows the
// drawing before and after. Nothing changes until one of the pictures is chosen, and that can be undone.
import { make } from "../core/dom.js";
import { centeredDrawings } from "./centering.js";
import { paintPixels } from "./paint.js";

const DELAY_MS = 250; // after a change
const FAINT = 70; // opacity of ink below the cut line, of 255

export function startCenteringOffer(store, root) {
  const { drawing, i18n } = store, status = root.querySelector(".canvas-status");
  const pictures = make("div", { class: "offer-pictures" });
  const box = make("div", { class: "offer", id: "centering-offer", popover: "auto", role: "dialog", i18nLabel: "centering" },
    make("p", { i18n: "centering.lead" }), pictures, make("small", { i18n: "centering.undo" }),
    make("button", { type: "button", class: "close-panel", i18nLabel: "close", onclick: () => box.hidePopover() }, "×"));
  const button = make("button", {
    type: "button", class: "offer-button", i18n: "centering", popovertarget: box.id, hidden: true,
  });
  root.querySelector(".status-line").append(button, box);
  let timer = 0, pressed = false; // whether a pointer is down, perhaps in the middle of a stroke

  function update() {
    if (pressed) return;
    const found = centeredDrawings(drawing);
    button.hidden = !found.length;
    if (!found.length) return box.hidePopover();
    pictures.replaceChildren(
      make("figure", {}, picture(store, drawing), make("figcaption", { i18n: "centering.before" })),
      make("span", { class: "offer-arrow", "aria-hidden": "true" }, "→"),
      ...found.map((each) => make("button", { type: "button", class: `offer-${each.kind}`, onclick: () => choose(each) },
        picture(store, each), make("span", { i18n: `centering.${each.kind}` }))),
    );
    i18n.applyTranslations(box);
  }

  function choose(found) {
    const again = store.completions.length > 0 || store.awaiting;
    box.hidePopover();
    drawing.replace(found);
    if (again) store.complete();
    status.textContent = i18n.t("centering.done");
  }

  function updateSoon() {
    clearTimeout(timer);
    timer = setTimeout(update, DELAY_MS);
  }

  drawing.addEventListener("changed", updateSoon);
  document.addEventListener("pointerdown", () => {
    pressed = true;
  }, true);
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      pressed = false;
      updateSoon();
    }, true);
  }
}

// A drawing as the canvas shows it. `drawing` has ink, hidden and cut.
function picture({ width, height, quantize }, { ink, hidden, cut }) {
  const canvas = make("canvas", { width, height });
  const known = (pixel) => pixel < cut * width && !hidden[pixel];
  paintPixels(canvas.getContext("2d"), {
    width, height, known, ink: (pixel) => (known(pixel) ? quantize(ink[pixel], 2) : -1), faint: (pixel) => (ink[pixel] / 255) * FAINT,
  });
  return canvas;
}

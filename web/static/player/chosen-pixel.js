// The pixel that the visitor chose to read about. The choice holds until the player moves or another picture is requested.
import { listen } from "../core/dom.js";

const choices = new WeakMap(); // store -> {pixel, step: where the player was}

// Call it before anything that asks for the choice.
export function watchChoice(store) {
  store.addEventListener("pixel-selected", ({ detail: pixel }) => choices.set(store, { pixel, step: store.step }));
  listen(store, ["request", "cleared"], () => choices.delete(store));
}

// The chosen pixel, {pixel, step}, where step is -1 for a pixel that was drawn by the user; null if there is none.
export function chosenPixel(store) {
  const { completion, step: position } = store, choice = choices.get(store);
  if (!completion || choice?.step !== position) return null;
  const step = completion.order.indexOf(choice.pixel);
  return step < Math.min(position, completion.ink.length) ? { pixel: choice.pixel, step } : null;
}

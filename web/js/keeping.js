// The drawing and the settings outlive a reload of the page, in this tab: Gradio reloads it when the server was away, and so
// do people. Completions do not; they can be asked for again.
import { packed, stateOf, unpacked } from "./link.js";

const KEPT = "pixelcnn.desk";
const SOON_MS = 300;

export function startKeeping(desk) {
  const { width, height, drawing } = desk;

  function keep() {
    const { settings, facts } = desk;
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([packed(stateOf({ width, height, drawing, settings, facts, takes: [] })), settings.dice]));
    } catch {
      // no storage, so nothing is kept
    }
  }

  function recall() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      return; // no storage, or not ours
    }
    if (!kept) return;
    const state = unpacked(String(kept[0])), { models } = desk.facts;
    if (state.fault || state.width !== width || state.height !== height || !models[state.model]) return;
    const { model, samples, temperature, seed, digit } = state;
    drawing.lay(state);
    drawing.past = [];
    desk.set({ model, against: models[state.against] ? state.against : "", samples, temperature, seed, digit, dice: Boolean(kept[1]) });
  }

  let soon = 0;
  const later = () => {
    clearTimeout(soon);
    soon = setTimeout(keep, SOON_MS);
  };
  if (location.hash.length < 2) recall(); // a link comes before what was there
  drawing.addEventListener("changed", later);
  desk.addEventListener("settings", later);
  document.addEventListener("pointerup", later); // a stroke tells when it begins
  window.addEventListener("pagehide", keep);
}

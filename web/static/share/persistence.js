// Keeps the drawing, the settings, the completions and the undo history when the page is reloaded in the same tab. Gradio
// reloads it after the server was unreachable.
import { readStorage, writeStorage } from "../core/storage.js";
import { linkState, packLink, unpackLink } from "./link.js";
import { readPage, savePage } from "./saved-page.js";

const STORAGE_KEY = "pixelcnn.desk"; // an old name, kept so that tabs that are open during an update keep their drawing
const PICTURES_KEY = "pixelcnn.pictures"; // apart, because a large page may be more than the browser stores
const DELAY_MS = 300; // after a change

export function startPersistence(store) {
  const { drawing } = store;

  function save() {
    const { width, height, settings, facts } = store;
    const state = linkState({ width, height, drawing, settings, facts, completions: [] });
    writeStorage("sessionStorage", STORAGE_KEY, JSON.stringify([packLink(state), settings.randomSeed]));
  }

  let timer = 0;
  const saveSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(save, DELAY_MS);
  };
  if (location.hash.length < 2) restore(store); // a link takes precedence
  drawing.addEventListener("changed", saveSoon);
  store.addEventListener("settings", saveSoon);
  document.addEventListener("pointerup", saveSoon); // a stroke has a "changed" event only when it begins
  window.addEventListener("pagehide", () => {
    save();
    writeStorage("sessionStorage", PICTURES_KEY, savePage(store));
  });
}

function restore(store) {
  const [link, randomSeed] = readSaved();
  const state = unpackLink(String(link)), { models } = store.facts;
  if (state.error || state.width !== store.width || state.height !== store.height) return;
  const { samples, temperature, seed, digit } = state;
  const model = models[state.model] ? state.model : store.facts.default; // weights of a visitor are freed with the page
  const secondModel = models[state.secondModel] ? state.secondModel : "";
  store.drawing.replace(state);
  store.updateSettings({ model, secondModel, samples, temperature, seed, digit, randomSeed: Boolean(randomSeed) });
  const { shown, history, future } = readPage(readStorage("sessionStorage", PICTURES_KEY), store) ?? {};
  store.drawing.resumeHistory(history, future); // restoring is not a step that can be undone
  store.showAgain(shown);
}

// [link, randomSeed], or an empty list if nothing valid is saved.
function readSaved() {
  try {
    const saved = JSON.parse(readStorage("sessionStorage", STORAGE_KEY));
    return Array.isArray(saved) ? saved : [];
  } catch {
    return [];
  }
}

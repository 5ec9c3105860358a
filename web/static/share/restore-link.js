// Opens the link in the page's address: restores its drawing and settings, requests its completions again, and says what
// differs from the page where the link was made. For an invalid link it shows an error and leaves the page unchanged.
import { ClassChoice } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { unpackLink } from "./link.js";

export function startRestoreLink(store, root) {
  const { i18n } = store;
  const note = make("p", { class: "link-note", role: "status" });
  root.querySelector("header").after(note);
  let message = null; // [key, params] of the message shown

  function show(key, params) {
    message = key ? [key, params] : null;
    note.textContent = message ? i18n.t(...message) : "";
  }

  function open() {
    const fragment = location.hash.slice(1);
    if (!fragment || document.getElementById(fragment)) return; // no link, or a position on the page
    const state = unpackLink(fragment), { width, height } = store;
    if (state.error) show(state.error, state.params);
    else if (state.width !== width || state.height !== height) {
      show("link.size", { size: `${state.width} x ${state.height}`, here: `${width} x ${height}` });
    } else restore(state);
  }

  function restore(state) {
    const { models } = store.facts;
    const missing = [state.model, state.secondModel].find((entry) => entry && !models[entry]);
    const model = models[state.model] ? state.model : store.facts.default;
    const secondModel = models[state.secondModel] ? state.secondModel : "";
    const digit = missing && !models[model].classes ? ClassChoice.NONE : state.digit;
    const { samples, temperature, seed } = state;
    store.drawing.replace(state);
    store.updateSettings({ model, secondModel, samples, temperature, seed, digit, randomSeed: false });
    const differences = missing ? [] : differencesOf(store, state);
    if (missing) show("link.missing_model", { model: missing, here: model });
    else if (differences.length) show("link.differs", { what: differences.join(", ") });
    else show(null);
    store.complete();
    if (!missing) repeatBranches(store, state.branches);
  }

  store.drawing.addEventListener("changed", () => show(null));
  i18n.addEventListener("changed", () => message && show(...message));
  window.addEventListener("hashchange", open);
  open();
}

// What differs from the page where the link was made, as phrases: weights and device.
function differencesOf({ facts, i18n }, state) {
  const shaHere = (entry) => facts.models[entry].sha, unknown = i18n.t("link.no_checksum");
  const weights = [[state.model, state.sha], [state.secondModel, state.secondSha]]
    .filter(([entry, sha]) => entry && (!sha || sha !== shaHere(entry)))
    .map(([model, sha]) => i18n.t("link.weights", { model, there: sha || unknown, here: shaHere(model) || unknown }));
  if (state.device === facts.device) return weights;
  const device = { there: i18n.deviceName(state.device), here: i18n.deviceName(facts.device) };
  return [...weights, i18n.t("link.device", device)];
}

// Repeats the branches of a link. Each one leaves the last completion once that is finished. Any other request ends it.
async function repeatBranches(store, branches) {
  for (const [step, flip, temperature] of branches) {
    const { pending } = store;
    await waitUntil(store, () => store.pending !== pending || pending.done);
    if (store.pending !== pending || step >= store.total) return;
    store.updateSettings({ temperature });
    store.branch(store.completions.length - 1, step, { flip, temperature });
  }
}

// Resolves once a condition about completions and requests holds.
function waitUntil(store, condition) {
  return new Promise((resolve) => {
    const events = new AbortController();
    const check = () => {
      if (!condition()) return;
      events.abort();
      resolve();
    };
    listen(store, ["completions", "request", "cleared"], check, { signal: events.signal });
    check();
  });
}

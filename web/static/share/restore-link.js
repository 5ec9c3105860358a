// Opens the link in the page's address: restores its drawing and settings, requests its completions again, and says what
// differs from the page where the link was made. For an invalid link it shows an error and leaves the page unchanged. The
// link leaves the address at the first change, so that a reload does not bring it back.
import { ClassChoice } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { unpackLink } from "./link.js";

export function startRestoreLink(store, root) {
  const { i18n } = store;
  const note = make("p", { class: "link-note", role: "status" });
  root.querySelector("header").after(note);
  let message = null; // [key, params] of the message shown
  let opening = false; // whether changes come from the link

  function show(key, params) {
    message = key ? [key, params] : null;
    note.textContent = message ? i18n.t(...message) : "";
  }

  const isLink = () => location.hash.length > 1 && !document.getElementById(location.hash.slice(1)); // else a position

  function open() {
    if (!isLink()) return;
    const fragment = location.hash.slice(1);
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
    opening = true;
    store.drawing.replace(state);
    store.updateSettings({ model, secondModel, samples, temperature, seed, digit, randomSeed: false });
    opening = false;
    const differences = missing ? [] : differencesOf(store, state);
    if (missing) show("link.missing_model", { model: missing, here: model });
    else if (differences.length) show("link.differs", { what: differences.join(", ") });
    else show(null);
    store.complete();
    if (!missing) repeatBranches(store, state.branches, (temperature) => {
      opening = true;
      store.updateSettings({ temperature });
      opening = false;
    });
  }

  function close() {
    if (opening) return;
    show(null);
    if (isLink()) history.replaceState(history.state, "", location.pathname + location.search);
  }

  store.drawing.addEventListener("changed", close);
  store.addEventListener("settings", close);
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

// Repeats the branches of a link, one after the other. Any other request ends it.
async function repeatBranches(store, branches, setTemperature) {
  const made = []; // completions in the order of the link
  for (const [step, flip, temperature, parent] of branches) {
    if (!await isDone(store)) return;
    made.push(...(made.length ? store.completions.slice(-1) : store.completions));
    const completion = parent === undefined ? made.at(-1) : made[parent]; // in older links each branch leaves the one before
    if (!completion || step >= completion.order.length) return;
    setTemperature(temperature);
    store.branchFrom(completion, step, { flip, temperature });
  }
}

// Waits for the request in progress. Returns whether it is finished, and not stopped or replaced.
async function isDone(store) {
  const { pending } = store;
  await waitUntil(store, () => store.pending !== pending || pending.done);
  return store.pending === pending;
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

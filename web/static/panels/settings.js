// The settings panel: model, second model, number of completions, digit, temperature, seed.
import { ClassChoice, TEMPERATURES } from "../core/completion.js";
import { make } from "../core/dom.js";
import { modelName, modelSummary } from "../core/models.js";

const COUNTS = [1, 4, 9, 16];

export function startSettings(store, box) {
  const { i18n } = store;
  const controls = makeControls(store);
  const { model, secondModel, digit, count, temperature, seed, randomSeed } = controls;
  const summary = make("small", { class: "model-summary" }), temperatureValue = make("output", { for: "temperature" });
  const seedNote = make("small", { role: "status" });
  startSeed(store, controls, seedNote);

  const field = (key, ...content) => make("label", { class: "field" }, make("span", { i18n: key }), ...content);
  const note = (key) => make("small", { i18n: key });
  box.append(
    field("settings.model", model, summary),
    field("settings.second_model", secondModel),
    make("div", { class: "field" }, make("span", { i18n: "settings.count" }), count),
    field("settings.digit", digit, note("settings.digit_info")),
    field("settings.temperature", temperature, temperatureValue, note("settings.temperature_info")),
    field("settings.seed", seed, seedNote),
    make("label", { class: "checkbox-field" }, randomSeed, make("span", { i18n: "settings.random_seed" })),
  );

  function show() {
    const { settings } = store;
    showModels(store, controls);
    showDigits(store, controls);
    summary.textContent = modelSummary(i18n, settings.model);
    for (const button of count.children) {
      button.setAttribute("aria-pressed", Number(button.dataset.count) === settings.samples);
    }
    temperature.value = settings.temperature;
    temperatureValue.textContent = settings.temperature;
    if (document.activeElement !== seed) seed.value = settings.seed;
    randomSeed.checked = settings.randomSeed;
  }

  store.addEventListener("settings", show);
  i18n.addEventListener("changed", show);
  show();
}

function makeControls(store) {
  const set = (changes) => store.updateSettings(changes);
  const model = make("select", { id: "model", onchange: () => set({ model: model.value }) });
  const secondModel = make("select", { id: "second-model", onchange: () => set({ secondModel: secondModel.value }) });
  const digit = make("select", { id: "digit", onchange: () => set({ digit: Number(digit.value) }) });
  const countButtons = COUNTS.map((samples) =>
    make("button", { type: "button", "data-count": samples, onclick: () => set({ samples }) }, String(samples)));
  const count = make("div", { class: "counts", id: "count", role: "group", i18nLabel: "settings.count" }, countButtons);
  const temperature = make("input", {
    type: "range", id: "temperature", ...TEMPERATURES,
    oninput: () => set({ temperature: Number(temperature.value) }),
  });
  const seed = make("input", { type: "text", inputmode: "numeric", autocomplete: "off", id: "seed" });
  const randomSeed = make("input", {
    type: "checkbox", id: "random-seed", onchange: () => set({ randomSeed: randomSeed.checked }),
  });
  return { model, secondModel, digit, count, temperature, seed, randomSeed };
}

// The seed that a text means, a whole number; NaN for any other text.
export const parseSeed = (text) => (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : NaN);

// A seed that is typed is meant, so it is no longer replaced each time. For anything else, the seed is again the one before
// typing began, so that no part of what was typed counts, and a sentence says so.
function startSeed(store, { seed, randomSeed }, note) {
  let before = store.settings; // when typing began
  const show = () => {
    seed.value = store.settings.seed;
    note.textContent = "";
  };
  seed.addEventListener("focus", () => {
    before = { ...store.settings };
  });
  seed.addEventListener("input", () => {
    const value = parseSeed(seed.value.trim()), { seed: old, randomSeed: random } = before;
    const valid = !Number.isNaN(value);
    store.updateSettings(valid ? { seed: value, randomSeed: false } : { seed: old, randomSeed: random });
    const params = { given: seed.value, max: Number.MAX_SAFE_INTEGER, seed: old };
    note.textContent = valid || !seed.value ? "" : store.i18n.t("settings.seed_invalid", params);
  });
  seed.addEventListener("blur", () => {
    seed.value = store.settings.seed; // the sentence stays
  });
  randomSeed.addEventListener("change", show);
  store.i18n.addEventListener("changed", show);
}

const option = (value, text) => make("option", { value }, text);

function showModels({ settings, facts, i18n }, { model, secondModel }) {
  const options = () => Object.keys(facts.models).map((entry) => option(entry, modelName(i18n, entry)));
  model.replaceChildren(...options());
  secondModel.replaceChildren(option("", i18n.t("settings.no_second_model")), ...options());
  model.value = settings.model;
  secondModel.value = settings.secondModel;
}

// The digits that one of the models knows; the list is disabled if none of them knows any.
function showDigits({ settings, facts, i18n }, { digit }) {
  const classes = Math.max(...[settings.model, settings.secondModel].map((entry) => facts.models[entry]?.classes ?? 0));
  const digits = Array.from({ length: Math.min(classes, 10) }, (_, number) => option(number, String(number)));
  const sampled = option(ClassChoice.SAMPLED, i18n.t("settings.digit_sampled"));
  const none = option(ClassChoice.NONE, i18n.t("settings.digit_none"));
  digit.replaceChildren(sampled, none, ...digits);
  digit.value = classes ? settings.digit : ClassChoice.NONE;
  digit.disabled = !classes;
}

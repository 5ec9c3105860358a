// The settings panel: model, second model, number of completions, digit, temperature, seed.
import { ClassChoice } from "../core/completion.js";
import { make } from "../core/dom.js";
import { modelName, modelSummary } from "../core/models.js";

const COUNTS = [1, 4, 9, 16];

export function startSettings(store, box) {
  const { i18n } = store;
  const controls = makeControls(store);
  const { model, secondModel, digit, count, temperature, seed, randomSeed } = controls;
  const summary = make("small", { class: "model-summary" }), temperatureValue = make("output", { for: "temperature" });
  seed.addEventListener("blur", () => show());

  const field = (key, ...content) => make("label", { class: "field" }, make("span", { i18n: key }), ...content);
  const note = (key) => make("small", { i18n: key });
  box.append(
    field("settings.model", model, summary),
    field("settings.second_model", secondModel),
    make("div", { class: "field" }, make("span", { i18n: "settings.count" }), count),
    field("settings.digit", digit, note("settings.digit_info")),
    field("settings.temperature", temperature, temperatureValue, note("settings.temperature_info")),
    field("settings.seed", seed),
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
    type: "range", id: "temperature", min: 0.1, max: 3, step: 0.05,
    oninput: () => set({ temperature: Number(temperature.value) }),
  });
  // An empty field or anything else but a whole number leaves the seed as it was.
  const setSeed = () => {
    const value = Number(seed.value);
    if (/^\d+$/.test(seed.value) && Number.isSafeInteger(value)) set({ seed: value });
  };
  const seed = make("input", { type: "number", id: "seed", min: 0, step: 1, oninput: setSeed });
  const randomSeed = make("input", {
    type: "checkbox", id: "random-seed", onchange: () => set({ randomSeed: randomSeed.checked }),
  });
  return { model, secondModel, digit, count, temperature, seed, randomSeed };
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

// Model, temperature, seed, and how many: native controls that follow the desk, whoever changes it.
import { make } from "./dom.js";
import { ANY, DRAWN } from "./takes.js";

const COUNTS = [1, 4, 9, 16];

export function startSettings(desk, box) {
  const { words } = desk;
  const option = (value, text) => make("option", { value }, text);
  const field = (say, ...inside) => make("label", { class: "field" }, make("span", { say }), ...inside);
  const note = (say) => make("small", { say });

  const model = make("select", { id: "model", onchange: () => desk.set({ model: model.value }) });
  const against = make("select", { id: "against", onchange: () => desk.set({ against: against.value }) });
  const digit = make("select", { id: "digit", onchange: () => desk.set({ digit: Number(digit.value) }) });
  const about = make("small", { class: "model-about" });
  const count = make("div", { class: "counts", id: "count", role: "group", label: "settings.count" }, COUNTS.map((number) =>
    make("button", { type: "button", "data-count": number, onclick: () => desk.set({ samples: number }) }, String(number)),
  ));
  const temperature = make("input", { type: "range", id: "temperature", min: 0.1, max: 3, step: 0.05, oninput: () =>
    desk.set({ temperature: Number(temperature.value) }) });
  const degrees = make("output", { for: "temperature" });
  const seed = make("input", { type: "number", id: "seed", min: 0, step: 1, onblur: () => show(), oninput: () =>
    /^\d+$/.test(seed.value) && Number.isSafeInteger(Number(seed.value)) && desk.set({ seed: Number(seed.value) }) }); // emptied, or no whole number, it keeps what it was
  const dice = make("input", { type: "checkbox", id: "dice", onchange: () => desk.set({ dice: dice.checked }) });

  box.append(
    field("settings.model", model, about),
    field("settings.against", against),
    make("div", { class: "field" }, make("span", { say: "settings.count" }), count),
    field("settings.digit", digit, note("settings.digit_info")),
    field("settings.temperature", temperature, degrees, note("settings.temperature_info")),
    field("settings.seed", seed),
    make("label", { class: "tick" }, dice, make("span", { say: "settings.dice" })),
  );

  function show() {
    const { settings, facts } = desk;
    const names = Object.keys(facts.models).map((entry) => option(entry, nameOf(words, entry)));
    about.textContent = aboutOf(words, settings.model);
    model.replaceChildren(...names);
    against.replaceChildren(option("", words.say("settings.nobody")), ...names.map((node) => node.cloneNode(true)));
    const classes = Math.max(...[settings.model, settings.against].map((entry) => facts.models[entry]?.classes ?? 0));
    const digits = Array.from({ length: Math.min(classes, 10) }, (_, one) => option(one, String(one)));
    digit.replaceChildren(option(DRAWN, words.say("settings.drawn")), option(ANY, words.say("settings.any")), ...digits);
    Object.assign(model, { value: settings.model });
    Object.assign(against, { value: settings.against });
    Object.assign(digit, { value: classes ? settings.digit : ANY, disabled: !classes });
    for (const button of count.children) button.setAttribute("aria-pressed", Number(button.dataset.count) === settings.samples);
    temperature.value = settings.temperature;
    degrees.textContent = settings.temperature;
    if (document.activeElement !== seed) seed.value = settings.seed;
    dice.checked = settings.dice;
  }

  desk.addEventListener("settings", show);
  words.addEventListener("changed", show);
  show();
}

// A model's name and year, and one line on it.
const said = (words, entry) => (words.has(`model.${entry}`) ? words.say(`model.${entry}`) : entry);
export const nameOf = (words, entry) => said(words, entry).split(": ")[0];
export const aboutOf = (words, entry) => said(words, entry).split(": ").slice(1).join(": ");

// The controls of a training: its options, and buttons to start, pause and end it.
import { make } from "../core/dom.js";

const OPTIONS = { channels: [8, 16, 24, 32], blocks: [1, 2, 4, 8], lr: [0.001, 0.002, 0.004, 0.008], minutes: [1, 2, 3] };
const DATA = ["digits", "wall"];
const DEFAULTS = { channels: 16, blocks: 4, lr: 0.004, minutes: 1 };

// act(action, options): performs an action. Returns the box, and update(run) for the run as the server describes it.
export function makeControls(i18n, act) {
  const selects = Object.fromEntries(Object.entries(OPTIONS).map(([name, values]) => [name, make("select", { name },
    values.map((value) => make("option", { value, selected: value === DEFAULTS[name] }, String(value))))]));
  const fields = Object.entries(selects).map(([name, select]) =>
    make("label", { class: "field" }, make("span", { i18n: `learn.${name}` }), select));
  const data = make("select", { name: "data" }, DATA.map((value) => make("option", { value })));
  const dataField = make("label", { class: "field" }, make("span", { i18n: "learn.data" }), data, make("small", { i18n: "learn.data_note" }));
  const chosen = () => ({
    ...Object.fromEntries(Object.entries(selects).map(([name, select]) => [name, Number(select.value)])), data: data.value,
  });
  const button = (action, click) => make("button", { type: "button", class: `learn-${action}`, i18n: `learn.${action}`, onclick: click });
  const start = button("start", () => act("start", chosen())), pause = button("pause", () => act("pause"));
  const resume = button("resume", () => act("resume")), stop = button("stop", () => act("stop"));
  const settings = make("details", { class: "learn-settings", open: true }, make("summary", { i18n: "learn.settings" }),
    dataField, make("div", { class: "learn-options" }, fields));
  const box = make("div", { class: "learn-controls" }, settings, make("div", { class: "learn-buttons" }, start, pause, resume, stop));
  let before = "none"; // the state at the last update

  function update({ state, wall, needed }) {
    const running = state === "running", paused = state === "paused";
    if (state !== before && state !== "finished") settings.open = !running && !paused; // what is learned has the room
    before = state;
    start.disabled = running || paused;
    pause.hidden = !running;
    resume.hidden = !paused;
    stop.hidden = !running && !paused;
    for (const select of [data, ...Object.values(selects)]) select.disabled = running || paused;
    dataField.hidden = wall === null;
    const [digits, pictures] = data.options;
    digits.textContent = i18n.t("learn.data_digits");
    pictures.textContent = i18n.t("learn.data_wall", { count: wall ?? 0, needed });
    pictures.disabled = (wall ?? 0) < needed;
    if (pictures.disabled && !running && !paused) data.value = "digits";
  }

  update({ state: "none", wall: null, needed: 0 });
  return { box, update };
}

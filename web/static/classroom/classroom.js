// The classroom panel: how to join the page, and the class wall, on which visitors can show a completion to everyone.
import { fetchJson } from "../core/api.js";
import { isFinished } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { readStorage, writeStorage } from "../core/storage.js";
import { makeJoin } from "./join.js";
import { Wall, wallPicture } from "./wall.js";

const STORAGE_KEY = "pixelcnn.key"; // the teacher's key, until the tab is closed
const MAX_NAME_LENGTH = 20;

export function startClassroom(store, box) {
  const { i18n } = store;
  const wall = new Wall(store);
  const added = new WeakSet(); // completions that are on the wall
  const join = makeJoin(i18n), ui = makeElements(store, { add, moderate, showFullscreen, layOut });
  box.append(...ui.sections);
  layOut();

  // Puts the address and the wall into the panel, after the full-screen view is closed.
  function layOut() {
    ui.joinPlace.append(join.box);
    ui.wallPlace.append(wall.list);
    wall.fit();
  }

  function showFullscreen() {
    const close = make("button", { type: "button", i18n: "close", onclick: () => ui.fullscreen.close() });
    ui.fullscreen.replaceChildren(join.box, wall.list, close);
    i18n.applyTranslations(ui.fullscreen);
    ui.fullscreen.showModal();
    wall.fit();
  }

  function add() {
    const { completion } = store;
    return perform(async () => {
      added.add(completion);
      refresh();
      await fetchJson("wall", wallPicture(completion, ui.name.value, ui.learn.checked)).catch((error) => {
        added.delete(completion);
        throw error;
      });
      return "classroom.added";
    });
  }

  // button: "clear", or "toggle" to close or reopen the wall.
  async function moderate(button) {
    const action = button === "toggle" ? (wall.open ? "close" : "open") : button;
    if (action === "clear" && !confirm(i18n.t("classroom.confirm_clear"))) return;
    await perform(async () => {
      await fetchJson("wall/moderate", { key: ui.key.value, action });
      writeStorage("sessionStorage", STORAGE_KEY, ui.key.value);
      return `classroom.${action}_done`;
    });
  }

  // Performs a request and shows its result. request: returns the key of the message.
  async function perform(request) {
    try {
      ui.status.textContent = i18n.t(await request());
      await wall.update();
    } catch (error) {
      ui.status.textContent = i18n.errorText(error);
    }
    refresh();
  }

  function refresh() {
    const { completion } = store, finished = Boolean(completion) && isFinished(completion);
    ui.addButton.disabled = !finished || added.has(completion) || !wall.open;
    ui.wallState.textContent = i18n.t(wallStateKey(wall, finished), { count: wall.tiles.size });
    ui.toggleButton.textContent = i18n.t(wall.open ? "classroom.close" : "classroom.open");
  }

  listen(store, ["completions", "position", "cleared"], refresh);
  wall.addEventListener("changed", refresh);
  i18n.addEventListener("changed", refresh);
  refresh();
  return {
    shown() {
      join.show();
      wall.startPolling();
    },
    hidden() {
      wall.stopPolling();
      ui.fullscreen.close();
    },
  };
}

// finished: whether the canvas has a finished completion.
function wallStateKey(wall, finished) {
  if (wall.unreachable) return "about.no_response";
  if (!wall.open) return "classroom.is_closed";
  if (!finished) return "classroom.no_completion";
  return wall.tiles.size ? "classroom.count" : "classroom.is_empty";
}

// The elements of the panel; `sections` are its children in order.
function makeElements({ learn: learns }, { add, moderate, showFullscreen, layOut }) {
  const button = (key, onclick, attributes = {}) => make("button", { type: "button", i18n: key, onclick, ...attributes });
  const field = (key, input) => make("label", {}, make("span", { i18n: key }), input);
  const submit = (handler) => (event) => {
    event.preventDefault();
    handler();
  };
  const joinPlace = make("div", { class: "join-place" }), wallPlace = make("div", { class: "wall-place" });
  const name = make("input", { type: "text", id: "wall-name", maxlength: MAX_NAME_LENGTH, autocomplete: "off" });
  const learn = make("input", { type: "checkbox", id: "wall-learn" }); // off unless the visitor agrees
  const consent = make("label", { class: "checkbox-field", hidden: !learns }, learn, make("span", { i18n: "classroom.learn" }));
  const addButton = make("button", { class: "add-to-wall", i18n: "classroom.add" });
  const status = make("p", { class: "classroom-status", "aria-live": "polite" });
  const wallState = make("p", { class: "wall-state" });
  const key = make("input", { type: "password", id: "teacher-key", autocomplete: "off" });
  key.value = readStorage("sessionStorage", STORAGE_KEY) ?? "";
  const toggleButton = make("button", { type: "button", onclick: () => moderate("toggle") });
  const fullscreen = make("dialog", { class: "fullscreen-wall", i18nLabel: "classroom.wall", onclose: layOut });
  const sections = [
    joinPlace,
    make("h3", { i18n: "classroom.wall" }),
    make("form", { class: "add-form", onsubmit: submit(add) }, field("classroom.name", name), consent, addButton),
    status,
    wallState,
    wallPlace,
    button("classroom.fullscreen", showFullscreen, { class: "show-fullscreen-wall" }),
    make("details", { class: "teacher" }, make("summary", { i18n: "classroom.teacher" }),
      make("form", { onsubmit: submit(() => {}) },
        field("classroom.key", key), button("classroom.clear", () => moderate("clear")), toggleButton)),
    fullscreen,
  ];
  return { joinPlace, wallPlace, name, learn, addButton, status, wallState, key, toggleButton, fullscreen, sections };
}

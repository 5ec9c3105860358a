// The panel in which files are chosen, for those who do not drop them on the page.
import { make } from "../core/dom.js";
import { modelName } from "../core/models.js";

export function startOwnFilesPanel(store, box) {
  const { i18n } = store, limit = make("p", { class: "own-files-limit" });
  const inUse = make("p", { class: "own-files-in-use" });
  const leave = make("button", { type: "button", class: "own-files-leave", onclick: () => store.updateSettings({ model: store.facts.default }) });
  const weights = store.weightsMb > 0;
  box.append(
    make("h3", { i18n: "own_files.picture" }), make("p", { i18n: "own_files.picture_lead" }), chooser(store, "picture", "image/*"),
    make("h3", { i18n: "own_files.weights" }), make("p", { i18n: weights ? "own_files.weights_lead" : "own_files.weights_off" }),
    ...(weights ? [limit, chooser(store, "weights", ".safetensors"), inUse, leave] : []),
  );
  const update = () => {
    const { file } = store.model; // of weights that the visitor brought
    limit.textContent = i18n.t("own_files.limit", { limit: store.weightsMb });
    inUse.hidden = leave.hidden = !file;
    inUse.textContent = i18n.t("own_files.in_use", { name: file ?? "" });
    leave.textContent = i18n.t("own_files.leave", { model: modelName(i18n, store.facts.default) });
  };
  store.addEventListener("settings", update);
  i18n.addEventListener("changed", update);
  update();
}

// A button that opens the browser's dialog for files.
function chooser(store, name, accept) {
  const input = make("input", { type: "file", accept, hidden: true, class: `choose-${name}`, "aria-hidden": "true", tabindex: "-1" });
  input.addEventListener("change", () => {
    store.dispatchEvent(new CustomEvent("files", { detail: [...input.files] }));
    input.value = ""; // so that the same file can be chosen again
  });
  const button = make("button", { type: "button", i18n: `own_files.choose_${name}`, onclick: () => input.click() });
  return make("div", {}, button, input);
}

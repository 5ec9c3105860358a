// The panel in which files are chosen, for those who do not drop them on the page.
import { make } from "../core/dom.js";

export function startOwnFilesPanel(store, box) {
  const limit = make("p", { class: "own-files-limit" });
  const weights = store.weightsMb > 0;
  box.append(
    make("h3", { i18n: "own_files.picture" }), make("p", { i18n: "own_files.picture_lead" }), chooser(store, "picture", "image/*"),
    make("h3", { i18n: "own_files.weights" }), make("p", { i18n: weights ? "own_files.weights_lead" : "own_files.weights_off" }),
    ...(weights ? [limit, chooser(store, "weights", ".safetensors")] : []),
  );
  const update = () => {
    limit.textContent = store.i18n.t("own_files.limit", { limit: store.weightsMb });
  };
  store.i18n.addEventListener("changed", update);
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

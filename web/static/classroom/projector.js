// Projector mode: large text and high contrast. The address then ends with ?projector, so that it can be bookmarked.
import { make } from "../core/dom.js";
import { SHORTCUTS } from "../core/keyboard.js";

const NAME = "projector"; // of the CSS class and of the query parameter

export function startProjector(root) {
  const button = (i18n, onclick, attributes) => make("button", { type: "button", i18n, onclick, ...attributes });
  const toggleButton = button(NAME, () => toggle(), { class: "projector-toggle", "aria-pressed": "false" });
  const shortcuts = [...SHORTCUTS, ["esc", "projector.leave"]];
  const dialog = make("dialog", { class: "shortcuts-dialog", i18nLabel: "about.shortcuts" },
    make("h2", { i18n: "about.shortcuts" }),
    make("dl", {}, shortcuts.flatMap(([keys, key]) => [make("dt", {}, keys), make("dd", { i18n: key })])),
    button("close", () => dialog.close()),
  );
  const showShortcuts = () => dialog.showModal();
  const showButton = button("about.shortcuts", showShortcuts, { class: "show-shortcuts" });
  root.querySelector(".panel-group:last-child").append(toggleButton, showButton);
  root.append(dialog);

  const active = () => root.classList.contains(NAME);

  function toggle(on = !active()) {
    root.classList.toggle(NAME, on);
    toggleButton.setAttribute("aria-pressed", on);
    const url = new URL(location.href);
    url.searchParams.delete(NAME);
    if (on) url.search += url.search ? `&${NAME}` : NAME;
    history.replaceState(history.state, "", url);
  }

  if (new URLSearchParams(location.search).has(NAME)) toggle(true);
  return { toggle, active, showShortcuts };
}

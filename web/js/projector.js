// Projector mode: the page for the back row. It is in the link as `?projector`, so that a teacher can keep a bookmark.
import { make } from "./dom.js";
import { KEYS } from "./keys.js";

const NAME = "projector";

export function startProjector(root) {
  const press = (say, onclick, more = {}) => make("button", { type: "button", say, onclick, ...more });
  const button = press(NAME, () => project(), { class: "project", "aria-pressed": "false" });
  const keys = make("dialog", { class: "all-keys", label: "about.keys" },
    make("h2", { say: "about.keys" }),
    make("dl", {}, KEYS.flatMap(([key, say]) => [make("dt", {}, key), make("dd", { say })]), make("dt", {}, "esc"), make("dd", { say: "projector.leave" })),
    press("close", () => keys.close()),
  );
  root.querySelector(".names").append(button, press("about.keys", () => keys.showModal(), { class: "list-keys" }));
  root.append(keys);

  const projected = () => root.classList.contains(NAME);

  function project(on = !projected()) {
    root.classList.toggle(NAME, on);
    button.setAttribute("aria-pressed", on);
    const link = new URL(location.href);
    link.searchParams.delete(NAME);
    if (on) link.search += link.search ? `&${NAME}` : NAME;
    history.replaceState(history.state, "", link);
  }

  if (new URLSearchParams(location.search).has(NAME)) project(true);
  return { project, projected, listKeys: () => keys.showModal() };
}

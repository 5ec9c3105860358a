// One sentence at the upper edge of the window, about something that cannot be done or has happened. It stays until it is
// closed, or until the next request or change of the drawing.
import { listen, make } from "./dom.js";

// show(text, action): text: a function that returns the sentence in the present language. action: {key, run} for a button;
// `key` names its text.
export function startNotice(store, root) {
  const { i18n } = store;
  const sentence = make("p", { role: "alert" }), buttons = make("div", { class: "notice-buttons" });
  const box = make("section", { class: "notice", hidden: true }, sentence, buttons);
  let current = null; // {text, action}

  function update() {
    box.hidden = !current;
    sentence.textContent = current ? current.text() : "";
    const { action } = current ?? {};
    const close = make("button", { type: "button", class: "notice-close", onclick: hide }, i18n.t("close"));
    buttons.replaceChildren(
      ...(action ? [make("button", { type: "button", class: "notice-action", onclick: action.run }, i18n.t(action.key))] : []),
      close,
    );
  }

  function show(text, action = null) {
    current = { text, action };
    update();
  }

  function hide() {
    current = null;
    update();
  }

  root.append(box);
  listen(store, ["request", "cleared"], hide);
  store.addEventListener("refused", (event) => show(() => i18n.errorText(event.detail)));
  i18n.addEventListener("changed", update);
  return { show };
}

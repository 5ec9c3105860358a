// The bars "Which digit?": p(digit | pixels so far) of the completion on the canvas.
import { listen, make, setText } from "../core/dom.js";
import { classesOf, posteriorNote, posteriorOf } from "../core/posterior.js";

const PERCENT = 100;

export function startDigitBars(store, root) {
  const list = root.querySelector(".bars"), note = root.querySelector(".bars-note");
  const maxClasses = Math.max(0, ...Object.values(store.facts.models).map((model) => model.classes));
  const bars = Array.from({ length: maxClasses }, (_, digit) => {
    const number = make("span"), fill = make("i");
    const percent = make("span", { class: "percent" }, number, make("span", { class: "visually-hidden" }, " %"));
    const item = make("li", { "data-digit": digit }, percent, make("span", { class: "bar" }, fill), make("span", { class: "digit" }, String(digit)));
    return { item, number, fill };
  });
  list.append(...bars.map(({ item }) => item));
  root.querySelector(".digit-bars").hidden = !maxClasses;

  function show() {
    const { completion } = store, answer = posteriorOf(store, completion);
    const posterior = answer instanceof Float32Array ? answer : null;
    const classes = classesOf(store, completion) || maxClasses, step = Math.min(store.step, completion?.order.length ?? 0);
    list.classList.toggle("idle", !posterior);
    setText(note, posteriorNote(store, completion));
    bars.forEach(({ item, number, fill }, digit) => {
      const p = posterior ? posterior[classes * step + digit] : 0;
      const percent = Math.round(PERCENT * p), sampled = Boolean(posterior) && completion.sampledDigit === digit;
      const state = `${digit >= classes} ${sampled} ${posterior ? percent : ""}`;
      if (item.dataset.state === state) return;
      item.dataset.state = state;
      item.hidden = digit >= classes;
      item.classList.toggle("sampled", sampled);
      fill.style.scale = `1 ${percent / PERCENT}`;
      number.textContent = posterior ? percent : "";
    });
  }

  listen(store, ["position", "completions", "cleared", "posterior"], show);
  store.i18n.addEventListener("changed", show);
  show();
}

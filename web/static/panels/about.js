// The about panel: the cost of the last completion, the server's device and load, and the keyboard shortcuts.
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";
import { SHORTCUTS } from "../core/keyboard.js";

const REFRESH_MS = 4000;

export function startAbout(store, box) {
  const { i18n } = store;
  const [cost, device, problems, load] = ["cost", "device", "problems", "load"].map((name) => make("p", { class: `about-${name}` }));
  const shortcuts = SHORTCUTS.flatMap(([keys, key]) => [make("dt", {}, keys), make("dd", { i18n: key })]);
  box.append(cost, device, problems, load, make("h3", { i18n: "about.shortcuts" }), make("dl", { class: "shortcuts" }, shortcuts));
  let timer = 0;

  function showCost() {
    const completion = store.completions.at(-1);
    if (!completion || !store.finished) {
      cost.textContent = i18n.t("about.no_cost");
      return;
    }
    const { ms, steps, batch } = completion, pixels = completion.order.length - completion.branchStep;
    const each = (ms / pixels / batch).toFixed(2);
    const params = { ms: ms.toFixed(0), pixels, steps, naive: pixels, each, pictures: batch };
    cost.textContent = i18n.t(batch > 1 ? "about.cost_many" : "about.cost", params);
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const state = await fetchJson("ready");
      const rounded = { pixels_per_s: Math.round(state.pixels_per_s), ms_per_tick: state.ms_per_tick.toFixed(1) };
      const weights = i18n.messageText(state.weights_message);
      device.textContent = i18n.t("about.device", { device: i18n.deviceName(state.device), weights });
      problems.textContent = state.weights_problems.map(({ error: message, ...rest }) => i18n.errorText({ message, ...rest })).join(" ");
      load.textContent = i18n.t("about.load", { ...state, ...rounded });
    } catch {
      load.textContent = i18n.t("about.no_response");
    }
  }

  store.addEventListener("completions", showCost);
  i18n.addEventListener("changed", showCost);
  return {
    shown() {
      showCost();
      refresh();
      timer = setInterval(refresh, REFRESH_MS);
    },
    hidden: () => clearInterval(timer),
  };
}

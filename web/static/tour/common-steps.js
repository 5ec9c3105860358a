// What the steps of several levels of the tour have in common, and steps that several levels have; see steps.js.
import { entryOfKind } from "../core/models.js";

const MIN_INK = 12; // pixels of ink that count as a drawing
export const SLOW = 22, FAST = 78; // of the speed slider
export const SLOW_ENOUGH = 45; // the slider value below which the user has slowed the player down

export const otherModel = ({ facts, settings }) => Object.keys(facts.models).find((entry) => entry !== settings.model);
export const modelWithClasses = ({ facts }) => Object.keys(facts.models).find((entry) => facts.models[entry].classes);
export const inkCount = (store) => store.drawing.ink.filter((value) => value >= 128).length;
export const isShown = (store) => store.finished && store.position >= store.total;
export const isOpen = (root, name) => root.querySelector(`[data-panel=${name}]`)?.getAttribute("aria-expanded") === "true";
export const mostSurprising = (bits) => bits.indexOf(Math.max(...bits));

export const drawStep = {
  name: "draw", target: ".stage", show: (automation) => automation.draw(), done: (store) => inkCount(store) >= MIN_INK,
};

export const panelStep = (name, target = `#panel-${name}`) => ({
  name, target, panel: name,
  show: (automation) => automation.openPanel(name),
  done: (store, before, root) => isOpen(root, name),
});

// Choosing a model of a kind.
export const modelStep = (kind) => ({
  name: kind,
  target: "#model",
  panel: "settings",
  available: ({ facts }) => entryOfKind(facts.models, kind) !== undefined,
  async show(automation) {
    await automation.openPanel("settings");
    await automation.choose("#model", entryOfKind(automation.store.facts.models, kind));
    await automation.complete();
  },
  done: (store) => store.completion && store.facts.models[store.completion.model]?.model === kind && isShown(store),
});

export async function showNineSamples(automation) {
  await automation.openPanel("settings");
  await automation.press("[data-count='9']");
  await automation.complete();
  await automation.waitUntil(() => automation.store.completions.length === 9);
}

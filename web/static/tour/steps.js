// The steps of the tour, by level. A step:
//
//   name       its text is the message `tour.LEVEL.NAME`
//   target     a selector of the control that it is about; if that is in a closed panel, the panel's tab is shown instead
//   panel      the panel that contains the target, if any
//   available  whether the page has what the step needs; otherwise it is left out
//   show       performs the step with an Automation
//   done       whether the user has performed the step since `before` = {step, selected, cut, temperature}
import {
  drawStep, FAST, inkCount, isOpen, isShown, modelStep, modelWithClasses, mostSurprising, otherModel, panelStep,
  showNineSamples, SLOW, SLOW_ENOUGH,
} from "./common-steps.js";

const CHILD = [
  drawStep,
  {
    name: "cut",
    target: ".cut",
    show: (automation) => automation.moveCut(automation.store.drawing.cut < automation.store.height - 4 ? 2 : -2),
    done: (store, before) => store.drawing.cut !== before.cut,
  },
  {
    name: "complete",
    target: "#complete",
    show: (automation) => automation.complete(),
    done: isShown,
  },
  {
    name: "speed",
    target: ".speed-control",
    async show(automation) {
      await automation.ensureCompletion();
      await automation.slide(".speed", SLOW);
      await automation.play();
    },
    done: (store, before, root) =>
      root.querySelector(".speed").value < SLOW_ENOUGH && store.playing && store.step !== before.step,
  },
  {
    name: "step",
    target: ".step",
    async show(automation) {
      await automation.showMiddle();
      await automation.takeSteps(3);
    },
    done: (store, before) => !store.playing && store.step !== before.step && store.completion,
  },
  {
    name: "probability",
    target: ".probability",
    async show(automation) {
      await automation.showMiddle();
      await automation.takeSteps(6);
    },
    done: (store, before) => store.completion && !store.playing && store.step > before.step + 2,
  },
  {
    name: "finish",
    target: ".toggle",
    async show(automation) {
      await automation.ensureCompletion();
      await automation.slide(".speed", FAST);
      await automation.play();
    },
    done: isShown,
  },
  {
    name: "samples",
    target: "#count",
    panel: "settings",
    show: showNineSamples,
    done: (store) => store.completions.length === 9 && isShown(store),
  },
  {
    name: "choose",
    target: ".tiles",
    async show(automation) {
      if (automation.store.completions.length < 2) await showNineSamples(automation);
      const { selected, completions } = automation.store;
      await automation.press(`.tile:nth-child(${((selected + 1) % completions.length) + 1})`);
    },
    done: (store, before) => store.selected !== before.selected,
  },
  {
    name: "clear",
    target: "[data-action=clear]",
    show: (automation) => automation.press("[data-action=clear]"),
    done: (store) => inkCount(store) === 0,
  },
];

const STUDENT = [
  drawStep,
  {
    name: "factors",
    target: ".step",
    async show(automation) {
      await automation.showMiddle();
      await automation.press(".back");
      await automation.press(".back");
      await automation.takeSteps(2); // back to the same pixel
    },
    done: (store, before) => store.completion && !store.playing && store.step !== before.step,
  },
  {
    name: "temperature",
    target: "#temperature",
    panel: "settings",
    async show(automation) {
      await automation.showMiddle();
      await automation.openPanel("settings");
      await automation.slide("#temperature", automation.store.settings.temperature > 0.5 ? 0.4 : 1.5);
    },
    done: (store, before) => store.settings.temperature !== before.temperature,
  },
  {
    name: "branch",
    target: ".toggle",
    async show(automation) {
      await automation.showMiddle();
      await automation.play();
    },
    done: isShown,
  },
  {
    name: "surprise",
    target: ".pixels",
    async show(automation) {
      await automation.showEnd();
      const { bits, order } = automation.store.completion;
      await automation.tap(order[mostSurprising(bits)]);
    },
    done: (store, before, root) => !root.querySelector(".pixel-readout").hidden,
  },
  {
    name: "flip",
    target: ".flip",
    async show(automation) {
      await automation.showEnd();
      const { order, bits } = automation.store.completion;
      await automation.tap(order[mostSurprising(bits.subarray(0, Math.ceil(order.length / 2)))]);
      await automation.press(".flip");
      await automation.slide(".speed", FAST);
    },
    done: (store) => store.completion?.flipped && isShown(store),
  },
  panelStep("receptive_field"),
  {
    name: "seed",
    target: "#random-seed",
    panel: "settings",
    async show(automation) {
      await automation.openPanel("settings");
      if (automation.store.settings.randomSeed) await automation.press("#random-seed");
      await automation.complete();
      await automation.showEnd();
      await automation.complete(); // the same picture once more
    },
    done: (store) => !store.settings.randomSeed && isShown(store),
  },
  {
    name: "digits",
    target: "#panel-digits",
    panel: "digits",
    available: modelWithClasses,
    async show(automation) {
      await automation.openPanel("settings");
      await automation.choose("#model", modelWithClasses(automation.store));
      await automation.complete();
      await automation.openPanel("digits");
    },
    done: (store, before, root) => isOpen(root, "digits") && isShown(store),
  },
  {
    name: "exhibits",
    target: "#panel-ladder",
    panel: "ladder",
    available: ({ facts }) => Object.keys(facts.exhibits ?? {}).length > 0,
    async show(automation) {
      await automation.ensureDrawing();
      await automation.openPanel("ladder");
      await automation.press(".ladder-complete");
      automation.find(".exhibit-pictures").scrollIntoView({ block: "center" });
    },
    done: (store, before, root) => root.querySelector(".exhibit-pictures canvas[aria-label]:not([aria-label=''])") !== null,
  },
  panelStep("quiz"),
];

const RESEARCHER = [
  {
    name: "nats",
    target: ".summary",
    show: (automation) => automation.showEnd(),
    done: isShown,
  },
  panelStep("about", ".about-cost"),
  modelStep("pixelcnn"),
  panelStep("receptive_field"),
  modelStep("row_lstm"),
  modelStep("diagonal_bilstm"),
  modelStep("gated_pixelcnn"),
  modelStep("pixelcnn_pp"),
  modelStep("freeform"),
  {
    name: "compare",
    target: "#second-model",
    panel: "settings",
    available: ({ facts }) => Object.keys(facts.models).length > 1,
    async show(automation) {
      await automation.openPanel("settings");
      await automation.choose("#second-model", otherModel(automation.store));
      await automation.complete();
    },
    done: (store) => new Set(store.completions.map((completion) => completion.model)).size > 1 && isShown(store),
  },
];

export const LEVELS = { child: CHILD, student: STUDENT, researcher: RESEARCHER };

// The steps of a level that this page can show.
export function stepsOf(level, store, root) {
  const hasPanel = (step) => !step.panel || root.querySelector(`[data-panel=${step.panel}]`);
  return LEVELS[level].filter((step) => hasPanel(step) && (!step.available || step.available(store)));
}

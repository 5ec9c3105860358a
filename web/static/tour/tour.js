// The guided tour: three levels of short steps that point at the real controls of the page and operate them on request.
//
// The panel offers the levels. The tour itself is a card beside the control and a ring around it. Neither takes clicks that
// are meant for the page, so everything can be used during the tour.
import { listen, make } from "../core/dom.js";
import { Automation } from "./automation.js";
import { placeCard, scrollToTarget } from "./placement.js";
import { LEVELS, stepsOf } from "./steps.js";

const DONE_MS = 2200; // between the end of a step and the next step; tour.css has the same time
const STORE_EVENTS = ["settings", "request", "completions", "position", "cleared"];
const USER_EVENTS = ["input", "click", "pointerup", "keyup"];

export function startTour(store, box) {
  const root = box.closest(".page");
  let tour = null;
  const levels = Object.keys(LEVELS).map((level) => {
    const start = () => {
      tour?.leave();
      root.querySelector("[data-panel=tour]").click(); // closes this panel; the tour opens others in its place
      tour = new Tour(level, store, root);
    };
    const text = [make("b", { i18n: `tour.${level}` }), make("span", { i18n: `tour.${level}_about` })];
    return make("button", { type: "button", class: "tour-level", "data-level": level, onclick: start }, text);
  });
  box.append(make("p", { i18n: "tour.lead" }), make("div", { class: "tour-levels" }, levels));
}

class Tour {
  constructor(level, store, root) {
    Object.assign(this, { level, store, root, steps: stepsOf(level, store, root) });
    this.savedSettings = { ...store.settings };
    this.savedSpeed = root.querySelector(".speed").value;
    this.left = new AbortController(); // aborted when the tour ends
    this.index = 0;
    this.before = null; // the state when the step began
    this.wasDone = false; // whether the step was done at the last check
    this.demonstration = null; // aborts the current demonstration
    this.target = null; // the control that the ring surrounds
    this.timer = 0;
    this.frame = 0;
    this.makeCard();
    this.addListeners();
    this.goTo(0);
    this.showButton.focus({ preventScroll: true });
  }

  makeCard() {
    const button = (name, onclick) =>
      make("button", { type: "button", class: `tour-${name}`, i18n: `tour.${name}`, onclick });
    this.count = make("span", { class: "tour-count" });
    this.text = make("p", { class: "tour-text", "aria-live": "polite" });
    this.backButton = button("back", () => this.goTo(this.index - 1));
    this.showButton = button("show", () => this.demonstrate());
    this.nextButton = button("next", () => this.goTo(this.index + 1));
    const leaveAttributes = { type: "button", class: "tour-leave", i18nLabel: "tour.leave" };
    const leave = make("button", { ...leaveAttributes, onclick: () => this.leave() }, "×");
    this.card = make("section", { class: "tour-card", i18nLabel: "tour" },
      make("div", { class: "tour-head" }, make("b", { i18n: `tour.${this.level}` }), this.count, leave),
      this.text,
      make("div", { class: "tour-buttons" }, this.backButton, this.showButton, this.nextButton));
    this.ring = make("div", { class: "tour-ring", "aria-hidden": "true", hidden: true });
    this.root.append(this.ring, this.card);
  }

  addListeners() {
    const options = { signal: this.left.signal };
    const update = () => {
      this.checkDone();
      this.placeSoon();
    };
    listen(this.store, STORE_EVENTS, update, options);
    listen(this.root, USER_EVENTS, update, options);
    listen(window, ["scroll", "resize"], () => this.placeSoon(), { ...options, capture: true, passive: true });
    this.observer = new ResizeObserver(() => this.placeSoon());
    this.observer.observe(this.root);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // ends the tour only, and does not close the panel
      this.leave();
    }, { ...options, capture: true });
  }

  get step() {
    return this.steps[this.index]; // undefined after the last step, where the card shows the closing text
  }

  goTo(index) {
    this.stopDemonstration();
    if (index > this.steps.length) return this.leave();
    this.index = Math.max(0, index);
    const { store, step, card } = this;
    this.before = {
      step: store.step, selected: store.selected, cut: store.drawing.cut, temperature: store.settings.temperature,
    };
    this.wasDone = this.isDone();
    delete card.dataset.done;
    card.dataset.step = step ? step.name : "end";
    this.text.dataset.i18n = step ? `tour.${this.level}.${step.name}` : "tour.end";
    this.count.textContent = step ? `${this.index + 1} / ${this.steps.length}` : "";
    this.nextButton.dataset.i18n = step ? "tour.next" : "close";
    this.backButton.disabled = this.index === 0;
    this.showButton.hidden = !step;
    store.i18n.applyTranslations(card);
    const focused = document.activeElement;
    const lost = card.contains(focused) && (focused.disabled || this.showButton.hidden);
    if (lost) this.nextButton.focus({ preventScroll: true });
    this.target = null;
    this.place();
  }

  // Ends the demonstration and the timer that leads to the next step.
  stopDemonstration() {
    clearTimeout(this.timer);
    this.demonstration?.abort();
    this.demonstration = null;
    delete this.card.dataset.busy;
  }

  // Performs the step with the controls of the page.
  async demonstrate() {
    this.stopDemonstration();
    const demonstration = (this.demonstration = new AbortController());
    this.card.dataset.busy = "yes";
    try {
      await this.step.show(new Automation(this.store, this.root, demonstration.signal));
    } catch (error) {
      if (!demonstration.signal.aborted) throw error;
    } finally {
      if (this.demonstration === demonstration) {
        this.demonstration = null;
        delete this.card.dataset.busy;
        this.wasDone = false;
        this.checkDone();
        this.target = null; // it may have been scrolled out of view
        this.placeSoon();
      }
    }
  }

  isDone() {
    return Boolean(this.step?.done(this.store, this.before, this.root));
  }

  // Continues with the next step after a short time if the user has performed this one.
  checkDone() {
    if (!this.step || this.demonstration) return;
    const done = this.isDone();
    if (done && !this.wasDone && !("done" in this.card.dataset)) {
      this.card.dataset.done = "yes";
      this.timer = setTimeout(() => this.goTo(this.index + 1), DONE_MS);
    }
    this.wasDone = done;
  }

  leave() {
    const { card, root, store, left } = this;
    if (left.signal.aborted) return;
    left.abort();
    this.stopDemonstration();
    this.observer.disconnect();
    const focused = card.contains(document.activeElement);
    card.remove();
    this.ring.remove();
    // A fixed seed or a slow player would surprise the next user.
    store.updateSettings(this.savedSettings);
    Object.assign(root.querySelector(".speed"), { value: this.savedSpeed }).dispatchEvent(new Event("input"));
    if (focused) root.querySelector("[data-panel=tour]").focus();
  }

  // The control of the step that is visible: the target, else the tab of its panel, else the player.
  findTarget() {
    const { step, root } = this;
    const visible = (selector) => {
      const node = selector && root.querySelector(selector);
      return node?.getClientRects().length ? node : null;
    };
    return step && (visible(step.target) || visible(step.panel && `[data-panel=${step.panel}]`) || visible(".player"));
  }

  // Moves ring and card to the control.
  place() {
    const target = this.findTarget();
    if (target && target !== this.target) scrollToTarget(target, this.root);
    this.target = target;
    placeCard(this.card, this.ring, target, this.root);
  }

  placeSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.left.signal.aborted) this.place();
    });
  }
}

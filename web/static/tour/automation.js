// Operates the real controls of the page for the tour, slowly enough to be followed.
import { atTemperature, inkProbability } from "../core/completion.js";
import { reducedMotion } from "../core/dom.js";

const SEVEN = [[8, 6], [18, 6], [18, 8], [12, 18]]; // x, y; ends below the cut line, so that it reaches the line
const PAUSE_MS = 350; // between two actions
const TIMEOUT_MS = 15000;

export class Automation {
  // signal: when it is aborted, the current action stops with an exception.
  constructor(store, root, signal) {
    Object.assign(this, { store, root, signal });
    this.instant = reducedMotion();
  }

  find(selector) {
    this.signal.throwIfAborted();
    return this.root.querySelector(selector);
  }

  async pause(ms = PAUSE_MS) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.signal.throwIfAborted();
  }

  // Waits until a condition holds, at most TIMEOUT_MS.
  async waitUntil(condition) {
    for (const started = performance.now(); !condition() && performance.now() - started < TIMEOUT_MS;) await this.pause(50);
  }

  async press(selector) {
    const button = this.find(selector);
    button.classList.add("tour-pressed");
    button.click();
    await this.pause().finally(() => button.classList.remove("tour-pressed"));
  }

  // Moves a slider to a value.
  async slide(selector, value) {
    const slider = this.find(selector), from = Number(slider.value), steps = this.instant ? 1 : 12;
    for (let step = 1; step <= steps; step++) {
      slider.value = from + ((value - from) * step) / steps;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await this.pause(30);
    }
  }

  // Chooses an option of a list.
  async choose(selector, value) {
    const select = this.find(selector);
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await this.pause();
  }

  async openPanel(name) {
    const tab = `[data-panel=${name}]`;
    if (this.find(tab).getAttribute("aria-expanded") !== "true") await this.press(tab);
  }

  // Draws lines from point to point, by default the top of a seven.
  async draw(points = SEVEN) {
    const { drawing } = this.store;
    this.signal.throwIfAborted();
    drawing.remember();
    for (let index = 1; index < points.length; index++) {
      const [from, to] = [points[index - 1], points[index]], parts = this.instant ? 1 : 8;
      const pointAt = (part) => from.map((value, axis) => value + ((to[axis] - value) * part) / parts);
      for (let part = 1; part <= parts; part++) {
        drawing.line("brush", pointAt(part - 1), pointAt(part));
        drawing.changed();
        await this.pause(25);
      }
    }
  }

  // Moves the cut line down by some rows, by its keys.
  async moveCut(rows) {
    for (let row = 0; row < Math.abs(rows); row++) {
      const key = rows > 0 ? "ArrowDown" : "ArrowUp";
      this.find(".cut").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await this.pause(120);
    }
  }

  // Taps a pixel of the completion.
  async tap(pixel) {
    this.find("[data-tool=brush]").click(); // a tap with another tool can mean something else
    const canvas = this.find(".pixels"), box = canvas.getBoundingClientRect(), { width, height } = this.store;
    const clientX = box.x + ((pixel % width) + 0.5) * (box.width / width);
    const clientY = box.y + (Math.floor(pixel / width) + 0.5) * (box.height / height);
    for (const name of ["pointerdown", "pointerup"]) {
      canvas.dispatchEvent(new PointerEvent(name, { clientX, clientY, bubbles: true }));
    }
    await this.pause();
  }

  // --- sequences that several steps of the tour use

  // Draws if the canvas is blank.
  async ensureDrawing() {
    if (this.store.drawing.blank) await this.draw();
  }

  // Completes the drawing, paused at the start, if there is no completion.
  async ensureCompletion() {
    if (!this.store.completion) {
      await this.ensureDrawing();
      this.signal.throwIfAborted();
      this.store.complete({ paused: true });
      await this.waitUntil(() => this.store.finished);
    }
  }

  async ensureFinished() {
    await this.ensureCompletion();
    await this.waitUntil(() => this.store.finished);
  }

  // Presses the Complete button.
  async complete() {
    await this.ensureDrawing();
    await this.press("#complete");
  }

  // Shows a whole completion.
  async showEnd() {
    await this.ensureFinished();
    if (this.store.step < this.store.total) await this.slide(".scrub", this.store.total);
  }

  // Pauses in the middle of a completion, before the pixel whose probability changes most at a lower temperature.
  async showMiddle() {
    await this.ensureFinished();
    if (this.store.playing) await this.press(".toggle");
    const { step, total, completion } = this.store;
    if (step > 0.2 * total && step < 0.6 * total) return;
    const changes = Array.from(completion.ink, (_, index) => {
      const p = inkProbability(completion, index);
      return index > 0.2 * total && index < 0.5 * total ? Math.abs(atTemperature(p, 1, 0.4) - p) || 0 : 0;
    });
    await this.slide(".scrub", changes.indexOf(Math.max(...changes)));
  }

  async play() {
    if (!this.store.playing) await this.press(".toggle");
  }

  async takeSteps(count) {
    for (let step = 0; step < count; step++) await this.press(".step");
  }
}

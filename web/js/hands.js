// The tour's hands: they work the real controls of the page, one after the other, slowly enough to be followed.
import { inkOdds, retempered } from "./takes.js";

const SEVEN = [[8, 6], [18, 6], [18, 8], [12, 18]]; // x, y: on below the line, so that it ends at the line wherever that is
const BEAT_MS = 350; // between two acts
const PATIENCE_MS = 15000;

export class Hands {
  // signal: aborted when the person goes on or leaves; whatever was being shown then stops where it is.
  constructor(desk, root, signal) {
    Object.assign(this, { desk, root, signal });
    this.hurry = matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  find(selector) {
    this.signal.throwIfAborted();
    return this.root.querySelector(selector);
  }

  async beat(ms = BEAT_MS) {
    await new Promise((go) => setTimeout(go, ms));
    this.signal.throwIfAborted();
  }

  // Wait until something is so, or for long enough.
  async until(so) {
    for (const began = performance.now(); !so() && performance.now() - began < PATIENCE_MS;) await this.beat(50);
  }

  async press(selector) {
    const button = this.find(selector);
    button.classList.add("tour-pressed");
    button.click();
    await this.beat().finally(() => button.classList.remove("tour-pressed"));
  }

  // A slider, to a value, through those between.
  async slide(selector, value) {
    const slider = this.find(selector), from = Number(slider.value), steps = this.hurry ? 1 : 12;
    for (let step = 1; step <= steps; step++) {
      slider.value = from + ((value - from) * step) / steps;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await this.beat(30);
    }
  }

  async choose(selector, value) {
    const select = this.find(selector);
    select.value = value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await this.beat();
  }

  // Open a panel, by its name.
  async open(name) {
    if (this.find(`[data-panel=${name}]`).getAttribute("aria-expanded") !== "true") await this.press(`[data-panel=${name}]`);
  }

  // One line of a tool after the other on the drawing; by default the top of a seven.
  async draw(points = SEVEN, tool = "brush") {
    const { drawing } = this.desk;
    this.signal.throwIfAborted();
    drawing.remember();
    for (let place = 1; place < points.length; place++) {
      const [from, to] = [points[place - 1], points[place]], parts = this.hurry ? 1 : 8;
      const at = (part) => from.map((value, axis) => value + ((to[axis] - value) * part) / parts);
      for (let part = 1; part <= parts; part++) {
        drawing.line(tool, at(part - 1), at(part));
        drawing.changed();
        await this.beat(25);
      }
    }
  }

  // The cut line, some rows further down, by its keys.
  async cut(rows) {
    for (let row = 0; row < Math.abs(rows); row++) {
      const key = rows > 0 ? "ArrowDown" : "ArrowUp";
      this.find(".cut").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await this.beat(120);
    }
  }

  // A tap on the middle of a pixel of the completion.
  async tap(pixel) {
    this.find("[data-tool=brush]").click(); // with another tool in hand a tap could mean something else
    const canvas = this.find(".pixels"), box = canvas.getBoundingClientRect(), { width, height } = this.desk;
    const clientX = box.x + ((pixel % width) + 0.5) * (box.width / width);
    const clientY = box.y + (Math.floor(pixel / width) + 0.5) * (box.height / height);
    for (const name of ["pointerdown", "pointerup"]) canvas.dispatchEvent(new PointerEvent(name, { clientX, clientY, bubbles: true }));
    await this.beat();
  }

  // --- several of these, as they are often needed

  // Something to look at: what was drawn, or a seven, completed, and standing still at its beginning where it is new.
  async take() {
    if (this.desk.take) return;
    await this.paper();
    this.signal.throwIfAborted();
    this.desk.complete({ paused: true });
    await this.until(() => this.desk.whole);
  }

  // A drawing, where there is none.
  async paper() {
    if (!this.desk.drawing.ink.some((value) => value)) await this.draw();
  }

  // Press *Complete*, as somebody would who has drawn something.
  async complete() {
    await this.paper();
    await this.press("#complete");
  }

  // All of a take, shown.
  async end() {
    await this.take();
    await this.until(() => this.desk.whole);
    if (this.desk.moment < this.desk.total) await this.slide(".scrub", this.desk.total);
  }

  // A take that stands somewhere in its middle, before the pixel whose probability a lower temperature would move most.
  async middle() {
    await this.take();
    await this.until(() => this.desk.whole);
    if (this.desk.playing) await this.press(".toggle");
    const { moment, total, take } = this.desk;
    if (moment > 0.2 * total && moment < 0.6 * total) return;
    const moves = Array.from(take.ink, (_, step) => {
      const p = inkOdds(take, step);
      return step > 0.2 * total && step < 0.5 * total ? Math.abs(retempered(p, 1, 0.4) - p) || 0 : 0;
    });
    await this.slide(".scrub", moves.indexOf(Math.max(...moves)));
  }
}

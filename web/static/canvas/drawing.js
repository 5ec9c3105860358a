// The user's drawing and which of its pixels the model may know. Every change can be undone and redone.

const MAX_UNDO = 200;

export class Drawing extends EventTarget {
  // Events: "changed"; after undo and redo also "restored", whose `detail` is what `attach` had returned for that state.
  constructor(width, height) {
    super();
    Object.assign(this, { width, height, size: width * height });
    this.ink = new Uint8Array(this.size); // 0 (paper) to 255
    this.hidden = new Uint8Array(this.size); // 1 for a pixel above the cut line that the user hid
    this.cut = this.middle; // rows above the cut line are known
    this.history = []; // states to undo to, the latest last
    this.future = []; // states to redo, the next one last
    this.version = 0; // a stroke that is under way ends when anything else changes it
    this.attach = () => null; // what belongs to the present state, besides the drawing
    this.radius = Math.max(0.8, (1.05 * Math.max(width, height)) / 28); // of the brush; a stroke is 2 to 3 of 28 pixels wide
  }

  get middle() {
    return Math.round(this.height / 2);
  }

  isKnown(pixel) {
    return pixel < this.cut * this.width && !this.hidden[pixel];
  }

  // 0 or 1 a pixel.
  known() {
    return Uint8Array.from({ length: this.size }, (_, pixel) => Number(this.isKnown(pixel)));
  }

  // Whether everything is as in the beginning.
  get untouched() {
    return this.cut === this.middle && !this.ink.some(Boolean) && !this.hidden.some(Boolean);
  }

  get blank() {
    return !this.ink.some(Boolean);
  }

  state() {
    return { ink: this.ink.slice(), hidden: this.hidden.slice(), cut: this.cut, attached: this.attach() };
  }

  // Applies one change as one step of the undo history. A drag calls `remember` once and then edits many times.
  change(edit) {
    this.remember();
    edit(this);
    this.changed();
  }

  remember(state = this.state()) {
    this.history = [...this.history.slice(1 - MAX_UNDO), state];
    this.future = [];
    this.settle();
  }

  // Ends the stroke that is under way, if any.
  settle() {
    this.version += 1;
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }

  // Replaces the drawing.
  replace({ ink, hidden, cut }) {
    this.change(() => {
      this.ink.set(ink);
      this.hidden.set(hidden);
      this.cut = cut;
    });
  }

  undo() {
    this.restore(this.history, this.future);
  }

  redo() {
    this.restore(this.future, this.history);
  }

  // Undoes a change that was not meant, so that it cannot be redone.
  rollBack() {
    this.restore(this.history, []);
  }

  // Returns to the last state of a list, and adds the present one to another list.
  restore(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push(this.state());
    const { ink, hidden, cut, attached } = state;
    Object.assign(this, { ink, hidden, cut });
    this.settle();
    this.changed();
    this.dispatchEvent(new CustomEvent("restored", { detail: attached }));
  }

  // Continues the history of an earlier visit, in place of the present one.
  resumeHistory(history = [], future = []) {
    Object.assign(this, { history, future });
    this.changed();
  }

  // Returns to the initial state.
  clear() {
    this.change(() => {
      this.ink.fill(0);
      this.hidden.fill(0);
      this.cut = this.middle;
    });
  }

  // Applies a tool ("brush", "eraser" or "hide") in a circle around (x, y), in pixels. Ink makes a hidden pixel known.
  stamp(tool, x, y) {
    const radius = tool === "hide" ? 2 * this.radius : this.radius;
    const reach = Math.ceil(radius + 0.5);
    for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(this.height - 1, y + reach); row++) {
      for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(this.width - 1, x + reach); column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const value = Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - distance)));
        const pixel = row * this.width + column;
        if (tool === "hide") this.hidden[pixel] |= Number(value >= 128);
        else if (tool === "brush") this.ink[pixel] = Math.max(this.ink[pixel], value);
        else this.ink[pixel] = Math.min(this.ink[pixel], 255 - value);
        if (tool === "brush" && value >= 128) this.hidden[pixel] = 0;
      }
    }
  }

  // Applies a tool along a straight line.
  line(tool, [fromX, fromY], [x, y]) {
    const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) * 3));
    for (let step = 1; step <= steps; step++) {
      this.stamp(tool, fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps);
    }
  }

  // Moves the cut line to a row, rounded and limited to the canvas.
  moveCut(row) {
    this.cut = Math.min(this.height, Math.max(0, Math.round(row)));
  }
}

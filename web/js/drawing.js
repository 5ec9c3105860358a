// What a person has drawn and what the model may know of it. Every change goes through `change`, and can be undone.

export class Drawing extends EventTarget {
  constructor(width, height) {
    super();
    Object.assign(this, { width, height, size: width * height });
    this.ink = new Uint8Array(this.size); // 0 paper to 255
    this.holes = new Uint8Array(this.size); // 1 where somebody hid a pixel above the cut
    this.cut = Math.round(height / 2); // rows above it are known
    this.past = [];
    this.radius = Math.max(0.8, (1.05 * Math.max(width, height)) / 28); // of the brush: strokes 2 to 3 of 28 pixels wide
  }

  knows(pixel) {
    return pixel < this.cut * this.width && !this.holes[pixel];
  }

  // 0 or 1 a pixel.
  known() {
    return Uint8Array.from({ length: this.size }, (_, pixel) => Number(this.knows(pixel)));
  }

  // Whether nothing is drawn, nothing hidden, and the line where it was at first.
  get untouched() {
    return this.cut === Math.round(this.height / 2) && !this.ink.some(Boolean) && !this.holes.some(Boolean);
  }

  state() {
    return { ink: this.ink.slice(), holes: this.holes.slice(), cut: this.cut };
  }

  // Remember what was, edit, tell. Whoever drags edits many times after one `remember`.
  change(edit) {
    this.remember();
    edit(this);
    this.changed();
  }

  remember(state = this.state()) {
    this.past = [...this.past.slice(-199), state];
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
  }

  // Put another drawing in the place of this one; it can be undone.
  lay({ ink, holes, cut }) {
    this.change(() => {
      this.ink.set(ink);
      this.holes.set(holes);
      this.cut = cut;
    });
  }

  undo() {
    const before = this.past.pop();
    if (!before) return;
    Object.assign(this, before);
    this.changed();
  }

  // As it was at first.
  clear() {
    this.change(() => {
      this.ink.fill(0);
      this.holes.fill(0);
      this.cut = Math.round(this.height / 2);
    });
  }

  // A round stamp of a tool at (x, y), in pixels: `brush`, `eraser` or `hide`. Ink on a hidden pixel makes it known again.
  stamp(tool, x, y) {
    const radius = tool === "hide" ? 2 * this.radius : this.radius;
    const reach = Math.ceil(radius + 0.5);
    for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(this.height - 1, y + reach); row++) {
      for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(this.width - 1, x + reach); column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const value = Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - distance)));
        const pixel = row * this.width + column;
        if (tool === "hide") this.holes[pixel] |= Number(value >= 128);
        else if (tool === "brush") this.ink[pixel] = Math.max(this.ink[pixel], value);
        else this.ink[pixel] = Math.min(this.ink[pixel], 255 - value);
        if (tool === "brush" && value >= 128) this.holes[pixel] = 0;
      }
    }
  }

  // Stamps along a straight line.
  line(tool, [fromX, fromY], [x, y]) {
    const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) * 3));
    for (let step = 1; step <= steps; step++) {
      this.stamp(tool, fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps);
    }
  }

  cutAt(row) {
    this.cut = Math.min(this.height, Math.max(0, Math.round(row)));
  }
}

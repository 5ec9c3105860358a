// The class wall as everybody sees it: asks again and again for what is new, and hangs it up, newest first.
import { make, hexOf, numbers } from "./dom.js";
import { paintPixels } from "./easel.js";
import { ask } from "./server.js";

const EVERY_MS = 1500;
const FEWEST_COLUMNS = 4, MOST_COLUMNS = 24; // lest the first picture be as large as the wall, or the last too small to see
const TALL = 1.35; // a tile with its caption, of its width

// Events: "changed", when pictures came or went, or the wall was opened or closed.
export class Wall extends EventTarget {
  constructor({ width, height }) {
    super();
    Object.assign(this, { width, height });
    this.list = make("ol", { class: "wall", label: "class.wall" });
    this.hung = new Map(); // tiles by the numbers of their pictures
    this.open = true;
    this.silent = false; // the server did not answer last time
    this.token = "";
    this.watching = false;
    this.clock = 0;
    addEventListener("resize", () => this.fit());
  }

  watch() {
    this.watching = true;
    return this.look();
  }

  rest() {
    this.watching = false;
    clearTimeout(this.clock);
  }

  async look() {
    if (!document.hidden) await this.news();
    clearTimeout(this.clock);
    if (this.watching) this.clock = setTimeout(() => this.look(), EVERY_MS);
  }

  async news() {
    const before = this.silent;
    try {
      const news = await ask(`wall?since=${this.token}`);
      this.silent = false;
      if (news) this.hang(news);
    } catch {
      this.silent = true;
    }
    if (before !== this.silent) this.dispatchEvent(new Event("changed"));
  }

  hang({ token, open, whole, oldest, pictures }) {
    for (const [number, tile] of this.hung) {
      if (!whole && number >= oldest) continue;
      tile.remove();
      this.hung.delete(number);
    }
    for (const picture of pictures) {
      if (this.hung.has(picture.number)) continue; // two questions were under way
      const tile = this.tile(picture);
      this.hung.set(picture.number, tile);
      this.list.prepend(tile);
    }
    Object.assign(this, { token, open });
    this.fit();
    this.dispatchEvent(new Event("changed"));
  }

  // Names come from people: they are text, whatever they hold.
  tile({ ink, known, model, name }) {
    const { width, height } = this;
    const levels = numbers(ink, 2);
    const canvas = make("canvas", { width, height, role: "img", "aria-label": [name, model].filter(Boolean).join(", ") });
    paintPixels(canvas.getContext("2d"), {
      width, height, mine: (pixel) => known[pixel] === "1", level: (pixel) => levels[pixel], heat: () => 0,
    });
    const caption = [make("span", { class: "hung-name", dir: "auto" }, name), make("span", { class: "hung-model" }, model)];
    return make("li", {}, canvas, ...caption);
  }

  // As many columns as let all pictures be seen at once, where the wall has a height of its own.
  fit() {
    const { clientWidth, clientHeight } = this.list;
    if (!clientWidth || !this.hung.size) return;
    let columns = clientWidth > clientHeight ? FEWEST_COLUMNS : FEWEST_COLUMNS / 2;
    const side = () => clientWidth / columns;
    while (Math.ceil(this.hung.size / columns) * side() * TALL > clientHeight && columns < MOST_COLUMNS) columns++;
    this.list.style.setProperty("--columns", columns);
  }
}

// What of a take goes to the wall.
export function pictureOf(take, name) {
  const ink = take.yours.slice();
  take.order.forEach((pixel, place) => {
    ink[pixel] = take.ink[place];
  });
  return { ink: hexOf(ink), known: take.known.join(""), model: take.model, name };
}

// The class wall as all visitors see it: polls the server for changes and shows the newest pictures first.
import { paintPixels } from "../canvas/paint.js";
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";
import { fromHex, toHex } from "../core/hex.js";

const POLL_MS = 1500;
const MIN_COLUMNS = 4, MAX_COLUMNS = 24; // so that tiles are neither too large nor too small
const TILE_RATIO = 1.35; // height of a tile with its caption, relative to its width

// Event: "changed", after pictures were added or removed, the wall was opened or closed, or the connection was lost.
export class Wall extends EventTarget {
  constructor({ width, height }) {
    super();
    Object.assign(this, { width, height });
    this.list = make("ol", { class: "wall", i18nLabel: "classroom.wall" });
    this.tiles = new Map(); // list items by the numbers of their pictures
    this.open = true;
    this.unreachable = false; // whether the last request failed
    this.token = "";
    this.polling = false;
    this.timer = 0;
    addEventListener("resize", () => this.fit());
  }

  startPolling() {
    this.polling = true;
    return this.update();
  }

  stopPolling() {
    this.polling = false;
    clearTimeout(this.timer);
  }

  async update() {
    if (!document.hidden) await this.fetchChanges();
    clearTimeout(this.timer);
    if (this.polling) this.timer = setTimeout(() => this.update(), POLL_MS);
  }

  async fetchChanges() {
    const before = this.unreachable;
    try {
      const changes = await fetchJson(`wall?since=${this.token}`);
      this.unreachable = false;
      if (changes) this.apply(changes);
    } catch {
      this.unreachable = true;
    }
    if (before !== this.unreachable) this.dispatchEvent(new Event("changed"));
  }

  // See Wall.changes_since on the server.
  apply({ token, open, complete_list: completeList, oldest, pictures }) {
    for (const [number, tile] of this.tiles) {
      if (!completeList && number >= oldest) continue;
      tile.remove();
      this.tiles.delete(number);
    }
    for (const picture of pictures) {
      if (this.tiles.has(picture.number)) continue; // two requests overlapped
      const tile = this.makeTile(picture);
      this.tiles.set(picture.number, tile);
      this.list.prepend(tile);
    }
    Object.assign(this, { token, open });
    this.fit();
    this.dispatchEvent(new Event("changed"));
  }

  // The name is text from a visitor and is never interpreted as HTML.
  makeTile({ ink, known, model, name }) {
    const { width, height } = this, values = fromHex(ink, 2);
    const canvas = make("canvas", { width, height, role: "img", "aria-label": [name, model].filter(Boolean).join(", ") });
    paintPixels(canvas.getContext("2d"), {
      width, height, known: (pixel) => known[pixel] === "1", ink: (pixel) => values[pixel],
    });
    const caption = [make("span", { class: "wall-name", dir: "auto" }, name), make("span", { class: "wall-model" }, model)];
    return make("li", {}, canvas, ...caption);
  }

  // Chooses as many columns as necessary to show all pictures at once, if the height of the list is limited.
  fit() {
    const { clientWidth, clientHeight } = this.list, count = this.tiles.size;
    if (!clientWidth || !count) return;
    let columns = clientWidth > clientHeight ? MIN_COLUMNS : MIN_COLUMNS / 2;
    const totalHeight = () => Math.ceil(count / columns) * (clientWidth / columns) * TILE_RATIO;
    while (totalHeight() > clientHeight && columns < MAX_COLUMNS) columns++;
    this.list.style.setProperty("--columns", columns);
  }
}

// A finished completion as the server expects it for the wall. name: of the visitor. learn: whether they agreed to training.
export function wallPicture({ knownInk, known, order, ink, model }, name, learn) {
  const picture = knownInk.slice();
  order.forEach((pixel, step) => {
    picture[pixel] = ink[step];
  });
  return { ink: toHex(picture), known: known.join(""), model, name, learn };
}

// The memory panel, for models that have one: what the memory of the next pixel's column does. Fast weights: which earlier
// rows the pixel attends to, and the matrix A. DNC: the slots that every row so far was written to and read from.
import { paintPixels } from "../canvas/paint.js";
import { ApiError, fetchJson } from "../core/api.js";
import { isFinished } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { fromHex, toHex } from "../core/hex.js";
import { pictureOf } from "./ladder.js";

const COLOR = [24, 100, 171], BACKGROUND = [250, 248, 243], NOT_YET = [226, 222, 212]; // RGB
const WITH_MEMORY = ["fast_weights", "dnc"];

export const hasMemory = (facts, entry) => WITH_MEMORY.includes(facts.models[entry]?.model);

// A table of the server as its shape and numbers, the last index fastest.
export const readTable = ({ shape, max, values }) =>
  ({ shape, values: Float32Array.from(fromHex(values, 4), (value) => (value / 65535) * max) });

// A as the pixel in a row and a column reads it, n x n numbers: sum of rate decay^age h h^T over the rows before.
export function fastWeights({ hidden, decay, rate }, row, column) {
  const [, width, n] = hidden.shape, matrix = new Float32Array(n * n);
  for (let above = 0; above < row; above++) {
    const start = (above * width + column) * n, strength = rate * decay ** (row - 1 - above);
    const h = hidden.values.subarray(start, start + n);
    for (let i = 0; i < n; i++) for (let j = 0; h[i] && j < n; j++) matrix[i * n + j] += strength * h[i] * h[j];
  }
  return matrix;
}

// The index of the largest of some numbers; -1 if none is above 0.
export function largest(numbers) {
  const max = Math.max(...numbers);
  return max > 0 ? numbers.indexOf(max) : -1;
}

const answers = new WeakMap(); // finished completion -> promise of {attention, hidden, ...} or {write, read}

function fetchMemory(completion) {
  if (!answers.has(completion)) {
    const ink = toHex(pictureOf(completion)), drawing = { ink, known: "1".repeat(completion.known.length) };
    const answer = fetchJson("memory", { model: completion.model, drawing }).then((tables) =>
      Object.fromEntries(Object.entries(tables).map(([name, value]) => [name, value.shape ? readTable(value) : value])));
    answers.set(completion, answer);
    answer.catch(() => answers.delete(completion));
  }
  return answers.get(completion);
}

// The panel's tab is there while the chosen model has a memory.
export function watchMemory(store, root, panels) {
  const tab = root.querySelector("[data-panel=memory]");
  const update = () => {
    tab.hidden = !hasMemory(store.facts, store.settings.model);
    if (tab.hidden && panels.opened === "memory") panels.close();
  };
  store.addEventListener("settings", update);
  update();
}

// Paints shares 0..1 as a heat map; null for a cell that has no value yet.
function paintHeat(canvas, rows, columns, shareAt) {
  Object.assign(canvas, { height: rows, width: columns });
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const share = shareAt(Math.floor(cell / columns), cell % columns);
    const color = share === null ? NOT_YET : BACKGROUND.map((value, channel) => value + share * (COLOR[channel] - value));
    picture.data.set([...color, 255], 4 * cell);
  }
  context.putImageData(picture, 0, 0);
}

export function startMemory(store, box) {
  const { i18n, width, height } = store;
  const note = make("p", { class: "memory-note", "aria-live": "polite" }), lead = make("p");
  const canvases = [0, 1].map(() => make("canvas", { role: "img", width, height }));
  const captions = canvases.map(() => make("figcaption"));
  const figures = make("div", { class: "memory-figures", hidden: true },
    canvases.map((canvas, index) => make("figure", {}, canvas, captions[index])));
  box.append(lead, note, figures);
  let requests = 0;

  function say(text) {
    figures.hidden = true;
    note.textContent = text;
  }

  function showFastWeights(memory, { completion, row, column }) {
    const rows = memory.attention.values.subarray((row * width + column) * height, (row * width + column + 1) * height);
    const strongest = largest(rows), max = Math.max(...rows) || 1, strength = new Float32Array(width * height);
    rows.forEach((value, above) => (strength[above * width + column] = value / max));
    const ink = pictureOf(completion), shown = row * width + column;
    paintPixels(canvases[0].getContext("2d"), {
      width, height, known: (pixel) => completion.known[pixel], ink: (pixel) => (pixel < shown ? ink[pixel] : -1),
      newness: (pixel) => (pixel === shown ? 1 : 0), overlay: { color: COLOR, strength },
    });
    const matrix = fastWeights(memory, row, column), n = memory.hidden.shape[2], top = Math.max(...matrix) || 1;
    paintHeat(canvases[1], n, n, (i, j) => Math.sqrt(matrix[i * n + j] / top)); // keeps small values visible
    const params = { row: row + 1, column: column + 1, strongest: strongest + 1 };
    note.textContent = i18n.t(strongest < 0 ? "memory.attends_nowhere" : "memory.attends", params);
  }

  function showDnc({ write, read }, { row, column }) {
    const slots = write.shape[2], heads = read.shape[2], place = (above) => above * width + column;
    const writeAt = (above, slot) => write.values[place(above) * slots + slot];
    const readAt = (above, index) => read.values[place(above) * heads * slots + index];
    const unlessLater = (value) => (above, slot) => (above > row ? null : Math.min(1, value(above, slot)));
    paintHeat(canvases[0], height, slots, unlessLater(writeAt));
    paintHeat(canvases[1], height, heads * slots, unlessLater(readAt));
    const best = (value, count) => largest(Array.from({ length: count }, (_, index) => value(row, index))) + 1;
    const params = { row: row + 1, column: column + 1, written: best(writeAt, slots), read: ((best(readAt, heads * slots) - 1) % slots) + 1 };
    note.textContent = i18n.t("memory.slots", params);
  }

  async function show() {
    if (box.hidden) return;
    const { completion } = store, request = ++requests, kind = store.facts.models[completion?.model]?.model;
    lead.textContent = i18n.t(`memory.${kind === "dnc" ? "dnc" : "fast_weights"}`);
    if (!completion || !hasMemory(store.facts, completion.model)) return say(i18n.t("memory.no_completion"));
    if (!isFinished(completion)) return say(i18n.t("digits.loading"));
    const memory = await fetchMemory(completion).catch((error) => error);
    if (request !== requests) return; // something else is to be shown
    if (memory instanceof Error) return say(memory instanceof ApiError ? i18n.errorText(memory) : memory.message);
    const pixel = completion.order[Math.min(store.step, completion.order.length - 1)];
    const place = { completion, row: Math.floor(pixel / width), column: pixel % width };
    figures.hidden = false;
    const keys = kind === "dnc" ? ["memory.write", "memory.read"] : ["memory.attention", "memory.matrix"];
    keys.forEach((key, index) => {
      captions[index].textContent = i18n.t(key);
      canvases[index].setAttribute("aria-label", i18n.t(key));
    });
    (kind === "dnc" ? showDnc : showFastWeights)(memory, place);
  }

  listen(store, ["position", "completions", "cleared", "settings"], show);
  i18n.addEventListener("changed", show);
  return { shown: show };
}

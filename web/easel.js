// The easel. Draws at once, in the browser; the server hears of it when something is to be completed.
// Ink is 0..255 a pixel. The value is set after every change; DOM event "pixelcnn:show" paints a completion over it.
const { width, height, levels, texts } = props;
const root = element.querySelector(".easel");
const stage = root.querySelector(".stage");
const canvas = root.querySelector(".pixels");
const cutLine = root.querySelector(".cut");
const spoken = root.querySelector(".spoken");
const context = canvas.getContext("2d");

const RADIUS = Math.max(0.8, (1.05 * Math.max(width, height)) / 28); // of the brush: strokes 2 to 3 of 28 pixels wide
const REACH = Math.ceil(RADIUS + 0.5);
const INK = [24, 40, 72], FILL = [217, 72, 15], PAPER = [250, 248, 243];
const size = width * height;

let ink = new Uint8Array(size);
let cut = Math.round(height / 2); // rows above it are known
let tool = "brush";
let past = []; // {ink, cut}, for undo
let shown = null; // a completion: {filled: ink or -1 a pixel, heat: 0..1 a pixel, at: pixel or -1}
let cursor = null; // the keyboard's pixel

canvas.width = width;
canvas.height = height;
const picture = context.createImageData(width, height);

// What the model makes of ink: for two levels black from 128 on.
const seen = (value) => (Math.floor((value * (levels - 1)) / 255 + 0.5) * 255) / (levels - 1);

function paint() {
  const blend = (share, from, to) => from + share * (to - from);
  for (let pixel = 0; pixel < size; pixel++) {
    const known = pixel < cut * width;
    const filled = shown ? shown.filled[pixel] : -1;
    const share = (!known && filled >= 0 ? filled : seen(ink[pixel])) / 255;
    const colour = known || filled < 0 ? INK : FILL;
    const glow = !known && filled >= 0 ? shown.heat[pixel] * 0.35 : 0; // a pixel just drawn is warm, ink or not
    for (let part = 0; part < 3; part++) {
      picture.data[4 * pixel + part] = blend(glow, blend(share, PAPER[part], colour[part]), [255, 212, 59][part]);
    }
    // What is unknown is see-through, over the hatching; strokes below the cut are a faint memory.
    picture.data[4 * pixel + 3] = known || filled >= 0 ? 255 : shown ? 0 : share * 70;
  }
  context.putImageData(picture, 0, 0);
  place(root.querySelector(".now"), shown ? shown.at : -1);
  place(root.querySelector(".cursor"), cursor ? cursor[0] * width + cursor[1] : -1);
  cutLine.style.top = `${(100 * cut) / height}%`;
  cutLine.setAttribute("aria-valuenow", cut);
  cutLine.setAttribute("aria-valuetext", texts.cut_at.replace("{row}", cut));
  root.querySelector(".hint").style.opacity = ink.some((value) => value) || shown || cut < 6 ? 0 : 1;
  root.classList.toggle("running", Boolean(shown && shown.running));
  root.classList.toggle("done", Boolean(shown));
}

function place(box, pixel) {
  box.hidden = pixel < 0;
  if (pixel < 0) return;
  const [row, column] = [Math.floor(pixel / width), pixel % width];
  Object.assign(box.style, { left: `${(100 * column) / width}%`, top: `${(100 * row) / height}%` });
  Object.assign(box.style, { width: `${100 / width}%`, height: `${100 / height}%` });
}

function publish() {
  const hex = Array.from(ink, (value) => value.toString(16).padStart(2, "0")).join("");
  props.value = { ink: hex, known: "1".repeat(cut * width) + "0".repeat(size - cut * width) };
}

// Every change goes through here: remember what was, drop the completion, which was of another drawing.
function change(edit) {
  past.push({ ink: ink.slice(), cut });
  past = past.slice(-200);
  drop();
  edit();
  paint();
}

function drop() {
  shown = null;
  root.dispatchEvent(new CustomEvent("pixelcnn:redrawn", { bubbles: true }));
}

function stamp(x, y) {
  for (let row = Math.max(0, Math.floor(y - REACH)); row <= Math.min(height - 1, y + REACH); row++) {
    for (let column = Math.max(0, Math.floor(x - REACH)); column <= Math.min(width - 1, x + REACH); column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const value = Math.round(255 * Math.min(1, Math.max(0, RADIUS + 0.5 - distance)));
      const pixel = row * width + column;
      ink[pixel] = tool === "brush" ? Math.max(ink[pixel], value) : Math.min(ink[pixel], 255 - value);
    }
  }
}

// --- strokes, by mouse, pen or finger
let pointer = null, last = null; // one finger draws at a time; the others are left to themselves

function point(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
}

function stroke(event) {
  const [x, y] = point(event);
  const [fromX, fromY] = last || [x, y];
  const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) * 3));
  for (let step = 1; step <= steps; step++) {
    stamp(fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps);
  }
  last = [x, y];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button > 0 || pointer !== null) return;
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  cursor = null;
  change(() => stroke(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const part of events.length ? events : [event]) stroke(part);
  paint();
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, (event) => {
    if (event.pointerId !== pointer) return;
    if (end === "pointerup") stroke(event);
    pointer = last = null;
    paint();
    publish();
  });
}

// --- the same by keyboard: arrows move, space draws
const START = [6, 9];
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

canvas.addEventListener("keydown", (event) => {
  const move = ARROWS[event.key];
  const clamp = (value, most) => Math.min(most - 1, Math.max(0, value));
  if (move) {
    const [row, column] = cursor || START;
    cursor = [clamp(row + move[0], height), clamp(column + move[1], width)];
    const black = ink[cursor[0] * width + cursor[1]] >= 128;
    spoken.textContent = `${cursor[0]}, ${cursor[1]}${black ? ", " + texts.ink : ""}`;
    paint();
  } else if (event.key === " ") {
    cursor = cursor || START;
    change(() => stamp(cursor[1] + 0.5, cursor[0] + 0.5));
    publish();
  } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
    undo();
  } else {
    return;
  }
  event.preventDefault();
});
canvas.addEventListener("focus", () => {
  if (!canvas.matches(":focus-visible") || pointer !== null) return;
  cursor = cursor || START;
  paint();
});
canvas.addEventListener("blur", () => {
  cursor = null;
  paint();
});

// --- the cut line
let holder = null; // the pointer that drags it
let held = null; // what was before, until it has moved

function moveCut(row) {
  const to = Math.min(height, Math.max(0, Math.round(row)));
  if (to === cut) return;
  if (held) past.push(held);
  held = null;
  drop();
  cut = to;
  paint();
}

cutLine.addEventListener("pointerdown", (event) => {
  if (event.button > 0 || holder !== null) return;
  holder = event.pointerId;
  held = { ink: ink.slice(), cut };
  cutLine.setPointerCapture(holder);
});
cutLine.addEventListener("pointermove", (event) => event.pointerId === holder && moveCut(point(event)[1]));
for (const end of ["pointerup", "pointercancel"]) {
  cutLine.addEventListener(end, (event) => {
    if (event.pointerId !== holder) return;
    holder = held = null;
    publish();
  });
}
cutLine.addEventListener("keydown", (event) => {
  const move = ARROWS[event.key];
  if (!move) return;
  held = { ink: ink.slice(), cut };
  moveCut(cut + (move[0] || move[1]));
  publish();
  event.preventDefault();
});

// --- tools
function undo() {
  const before = past.pop();
  if (!before) return;
  drop();
  ({ ink, cut } = before);
  paint();
  publish();
}

root.querySelector(".tools").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.tool) tool = button.dataset.tool;
  if (button.dataset.act === "undo") undo();
  if (button.dataset.act === "clear") {
    change(() => ink.fill(0));
    publish();
  }
  for (const each of root.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", each.dataset.tool === tool);
});

// --- the completion, sent here by the player, which asks what it belongs to
root.seen = () => ink.map(seen);
root.addEventListener("pixelcnn:show", (event) => {
  shown = event.detail;
  paint();
});

// --- words and measures
for (const button of root.querySelectorAll(".tools button")) {
  button.textContent = texts[button.dataset.tool || button.dataset.act];
}
canvas.setAttribute("aria-label", texts.canvas);
cutLine.setAttribute("aria-label", texts.cut);
cutLine.setAttribute("aria-valuemin", 0);
cutLine.setAttribute("aria-valuemax", height);
root.querySelector(".hint").textContent = texts.hint;
root.querySelector(".below").textContent = texts.below;
const share = (pixels, of) => `${(100 * pixels) / of}%`;
const grid = `calc(100% / ${width}) calc(100% / ${height})`;
Object.assign(root.querySelector(".lines").style, {
  backgroundImage: "linear-gradient(#c9c2b233 1px, #0000 1px), linear-gradient(90deg, #c9c2b233 1px, #0000 1px)",
  backgroundSize: grid,
});
Object.assign(root.querySelector(".guide").style, {
  left: share(4, 28), top: share(4, 28), width: share(20, 28), height: share(20, 28), // MNIST's digits lie in this box
});
paint();
publish();

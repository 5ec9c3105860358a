// The easel: the canvas to draw on, its tools and its cut line. Draws at once, in the browser; the server hears of it when
// something is to be completed. A completion is painted over the drawing; a tap on a pixel of it asks about that pixel.
import { make } from "./dom.js";

export const INK = [24, 40, 72], FILL = [217, 72, 15], PAPER = [250, 248, 243], WARM = [255, 212, 59];
const STILL = 0.7; // pixels that a tap may move
const START = [6, 9]; // where the keyboard's pixel begins
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const blend = (share, from, to) => from + share * (to - from);

// What a canvas shows of a take at a step: ink 0..255 or -1 a pixel, and how warm it still is, 0..1.
export function stateAt(take, step, { cooling = 10, still = false } = {}) {
  const ink = new Int16Array(take.yours.length).fill(-1), heat = new Float32Array(take.yours.length);
  const until = Math.min(step, take.ink.length);
  for (let place = 0; place < until; place++) {
    ink[take.order[place]] = take.ink[place];
    heat[take.order[place]] = still ? 0 : Math.max(0, 1 - (until - place) / cooling);
  }
  return { ink, heat };
}

// Paint one picture: `mine` tells whose a pixel is, `level` its ink, -1 for none, `heat` its glow, `over` a coloured veil.
export function paintPixels(context, { width, height, mine, level, heat, faint = 0, over = null }) {
  const picture = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const ink = level(pixel), colour = mine(pixel) || ink < 0 ? INK : FILL, glow = heat(pixel) * 0.35;
    const veil = over ? over.strength[pixel] : 0;
    let alpha = ink < 0 ? 0 : 255;
    for (let part = 0; part < 3; part++) {
      const plain = blend(glow, blend(ink < 0 ? 1 : ink / 255, PAPER[part], colour[part]), WARM[part]);
      picture.data[4 * pixel + part] = over ? blend(ink < 0 ? 1 : 0.8 * veil, plain, over.colour[part]) : plain;
    }
    if (ink < 0 && faint) alpha = faint(pixel);
    if (ink < 0 && over) alpha = Math.max(alpha, 255 * veil);
    picture.data[4 * pixel + 3] = alpha;
  }
  context.putImageData(picture, 0, 0);
}

export function startEasel(desk, root) {
  const { width, height, words, drawing } = desk;
  const stage = root.querySelector(".stage"), canvas = root.querySelector(".pixels");
  const cutLine = root.querySelector(".cut"), spoken = root.querySelector(".easel-spoken");
  const context = canvas.getContext("2d");
  let tool = "brush";
  let cursor = null; // the keyboard's pixel, [row, column]
  let read = -1; // the pixel that somebody asked about
  Object.assign(canvas, { width, height });

  function paint() {
    const take = desk.take, until = desk.moment;
    const state = take && stateAt(take, until, { still: desk.position >= desk.end });
    const level = (pixel) => {
      if (take) return take.known[pixel] ? take.yours[pixel] : state.ink[pixel];
      return drawing.knows(pixel) ? desk.seen(drawing.ink[pixel]) : -1;
    };
    paintPixels(context, {
      width, height, level,
      mine: (pixel) => (take ? take.known[pixel] : drawing.knows(pixel)),
      heat: (pixel) => (state ? state.heat[pixel] : 0),
      // What is unknown is see-through, over the hatching; strokes there are a faint memory.
      faint: (pixel) => (take ? 0 : (drawing.ink[pixel] / 255) * 70),
      over: desk.overlay,
    });
    const running = take && desk.position < desk.end;
    place(root.querySelector(".now"), running && until < take.order.length ? take.order[until] : -1);
    place(root.querySelector(".cursor"), cursor ? cursor[0] * width + cursor[1] : desk.take ? read : -1);
    cutLine.style.top = `${(100 * drawing.cut) / height}%`;
    cutLine.dataset.end = drawing.cut === 0 ? "top" : drawing.cut === height ? "bottom" : "";
    cutLine.setAttribute("aria-valuenow", drawing.cut);
    cutLine.setAttribute("aria-valuetext", words.say("easel.cut_at", { row: drawing.cut }));
    root.querySelector(".hint").style.opacity = take || drawing.cut < 6 || drawing.ink.some((value) => value) ? 0 : 1;
    stage.classList.toggle("running", Boolean(running));
    stage.classList.toggle("done", Boolean(take));
  }

  function place(box, pixel) {
    box.hidden = pixel < 0;
    if (pixel < 0) return;
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    Object.assign(box.style, { left: `${(100 * column) / width}%`, top: `${(100 * row) / height}%` });
    Object.assign(box.style, { width: `${100 / width}%`, height: `${100 / height}%` });
  }

  // --- strokes, by mouse, pen or finger
  let pointer = null, last = null; // one finger draws at a time; the others are left to themselves
  let tap = null; // where a finger came down on a picture, as long as it has not moved: then it asks, and does not draw

  function point(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  }

  function stroke(event) {
    const to = point(event);
    drawing.line(tool, last || to, to);
    last = to;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || pointer !== null) return;
    cursor = null;
    pointer = event.pointerId;
    if (event.isTrusted) canvas.setPointerCapture(pointer); // the tour's own taps are of no pointer
    if (desk.take && tool !== "hide") tap = point(event);
    else drawing.change(() => stroke(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    if (tap) {
      if (Math.hypot(point(event)[0] - tap[0], point(event)[1] - tap[1]) < STILL) return;
      if (!drawing.knows(pixelAt(tap))) return leave(); // nobody draws below the line on what is the model's
      last = tap;
      tap = null;
      drawing.change(() => stroke(event));
    }
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const part of events.length ? events : [event]) stroke(part);
    paint();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      if (tap && end === "pointerup") ask(pixelAt(tap));
      else if (end === "pointerup") stroke(event);
      leave();
    });
  }

  function leave() {
    pointer = last = tap = null;
    paint();
  }

  const pixelAt = ([x, y]) => Math.floor(y) * width + Math.floor(x);

  // Somebody wants to know about a pixel.
  const ask = (pixel) => desk.dispatchEvent(new CustomEvent("asked-about", { detail: pixel }));

  // --- the same by keyboard: arrows move, space uses the tool, enter asks
  canvas.addEventListener("keydown", (event) => {
    if (!cursor) return; // whoever came by mouse has all keys for the player
    const move = ARROWS[event.key];
    const clamp = (value, most) => Math.min(most - 1, Math.max(0, value));
    if (move) {
      const [row, column] = cursor;
      cursor = [clamp(row + move[0], height), clamp(column + move[1], width)];
      spoken.textContent = spot(cursor[0] * width + cursor[1]);
      paint();
    } else if (event.key === " ") {
      drawing.change(() => drawing.stamp(tool, cursor[1] + 0.5, cursor[0] + 0.5));
    } else if (event.key === "Enter" && desk.take) {
      ask(cursor[0] * width + cursor[1]);
    } else {
      return;
    }
    event.stopPropagation();
    event.preventDefault();
  });

  function spot(pixel) {
    const what = [words.say("easel.spot", { row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 })];
    if (drawing.ink[pixel] >= 128) what.push(words.say("easel.ink"));
    if (!drawing.knows(pixel)) what.push(words.say("easel.hidden"));
    return what.join(", ");
  }

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
    const before = drawing.cut;
    drawing.cutAt(row);
    if (drawing.cut === before) return;
    if (held) drawing.remember({ ...held, cut: before });
    held = null;
    drawing.changed();
  }

  cutLine.addEventListener("pointerdown", (event) => {
    if (event.button > 0 || holder !== null) return;
    holder = event.pointerId;
    held = drawing.state();
    cutLine.setPointerCapture(holder);
  });
  cutLine.addEventListener("pointermove", (event) => event.pointerId === holder && moveCut(point(event)[1]));
  for (const end of ["pointerup", "pointercancel"]) {
    cutLine.addEventListener(end, (event) => {
      if (event.pointerId === holder) holder = held = null;
    });
  }
  cutLine.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (!move) return;
    held = drawing.state();
    moveCut(drawing.cut + (move[0] || move[1]));
    event.stopPropagation();
    event.preventDefault();
  });

  // --- tools
  const tools = root.querySelector(".tools");
  const pick = (name) => {
    tool = name;
    for (const each of tools.querySelectorAll("[data-tool]")) each.setAttribute("aria-pressed", each.dataset.tool === tool);
  };
  for (const name of ["brush", "eraser", "hide"]) {
    const hint = name === "hide" ? "easel.hide_hint" : null;
    tools.append(make("button", { type: "button", "data-tool": name, say: `easel.${name}`, hint, onclick: () => pick(name) }));
  }
  for (const name of ["undo", "clear"]) {
    tools.append(make("button", { type: "button", "data-act": name, say: `easel.${name}`, onclick: () => drawing[name]() }));
  }
  pick(tool);

  // --- words and measures
  cutLine.setAttribute("aria-valuemin", 0);
  cutLine.setAttribute("aria-valuemax", height);
  const share = (pixels, of) => `${(100 * pixels) / of}%`;
  root.querySelector(".lines").style.backgroundSize = `calc(100% / ${width}) calc(100% / ${height})`;
  Object.assign(root.querySelector(".guide").style, {
    left: share(4, 28), top: share(4, 28), width: share(20, 28), height: share(20, 28), // MNIST's digits lie in this box
  });
  desk.addEventListener("asked-about", (event) => {
    read = event.detail;
  });
  for (const name of ["asked", "dropped"]) {
    desk.addEventListener(name, () => {
      read = -1;
    });
  }
  drawing.addEventListener("changed", paint);
  for (const name of ["moment", "takes", "settings", "overlay"]) desk.addEventListener(name, paint);
  words.addEventListener("changed", paint);
  paint();
  return { pick };
}

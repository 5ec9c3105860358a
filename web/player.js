// The player. Traces arrive in lumps, as fast as the server makes them; pixels are inked one by one on the browser's clock.
const { width, height, texts } = props;
const root = element.querySelector(".player");
const tiles = root.querySelector(".tiles");
const scrub = root.querySelector(".scrub");
const speed = root.querySelector(".speed");
const toggle = root.querySelector(".toggle");
const facts = root.querySelector(".facts");
const spoken = root.querySelector(".spoken");

const INK = [24, 40, 72], FILL = [217, 72, 15], PAPER = [250, 248, 243], WARM = [255, 212, 59];
const COOLING = 10; // so many pixels behind the newest still glow
const PATIENCE_MS = 20000; // with no word from the server for so long, what is there is all there will be
const size = width * height;

let trace = null; // the server's message, with drawn and given decoded as {ink: [Uint8Array], given: [Uint8Array]}
let known = null; // ink of the drawing when it was sent
let position = 0; // pixels shown, a real number
let playing = false;
let chosen = 0; // the sample on the easel
let awaited = null; // the request whose messages are taken; those of all others come too late
let ended = false; // nothing more will come of the trace, though it may not be whole
let frame = 0, before = 0, heard = 0;

const easel = () => document.querySelector(".easel");
const ready = () => (trace ? trace.ink[0].length : 0); // pixels that have arrived
const end = () => (ended ? ready() : trace.total); // pixels there are to show
const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));

// Slider 0..99 is 1 to 2000 pixels a second, evenly in ratio; 100 is at once.
const pixelsPerSecond = () => Math.pow(2000, speed.value / 99);
const atOnce = () => speed.value >= 100;

function receive(message) {
  if (!message || !message.drawn || message.run !== awaited) return;
  const fresh = !trace || trace.run !== message.run;
  const unknown = new Set(message.order);
  trace = { ...message, total: message.order.length, unknown, ink: message.drawn.map(bytes), given: message.given.map(bytes) };
  heard = performance.now();
  if (fresh) begin();
  scrub.max = trace.total;
  run();
}

function begin() {
  position = 0;
  chosen = 0;
  playing = true;
  ended = false;
  root.hidden = false;
  const count = trace.ink.length;
  tiles.replaceChildren(...trace.ink.map((_, index) => tile(index)));
  tiles.dataset.count = count;
  tiles.style.gridTemplateColumns = `repeat(${Math.ceil(Math.sqrt(count))}, 1fr)`;
}

function tile(index) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "option");
  canvas.setAttribute("aria-label", texts.sample.replace("{number}", index + 1));
  const choose = () => {
    chosen = index;
    show();
  };
  canvas.addEventListener("click", choose);
  canvas.addEventListener("keydown", (event) => event.key === "Enter" && choose());
  return canvas;
}

function run() {
  if (!frame) {
    before = performance.now();
    frame = requestAnimationFrame(tick);
  }
}

function tick(now) {
  frame = 0;
  const elapsed = Math.min(0.1, Math.max(0, now - before) / 1000); // a frame's time can lie before the clock's
  before = now;
  if (!trace) return;
  if (playing) position = Math.min(ready(), atOnce() ? ready() : position + elapsed * pixelsPerSecond());
  if (position >= ready() && now - heard > PATIENCE_MS) ended = true;
  show();
  if (position >= end() && playing) finish();
  if (playing) frame = requestAnimationFrame(tick);
}

function finish() {
  playing = false;
  show();
  spoken.textContent = position >= trace.total ? texts.finished : texts.broken;
}

// Ink and warmth of every pixel of a sample as it stands at `position`; -1 where nothing is drawn yet.
function filled(index) {
  const ink = new Int16Array(size).fill(-1), heat = new Float32Array(size);
  const until = Math.floor(position);
  for (let step = 0; step < until; step++) {
    ink[trace.order[step]] = trace.ink[index][step];
    heat[trace.order[step]] = position >= trace.total ? 0 : Math.max(0, 1 - (until - step) / COOLING);
  }
  return { ink, heat };
}

function show() {
  const until = Math.floor(position);
  const states = trace.ink.map((_, index) => filled(index));
  if (trace.ink.length > 1) states.forEach((state, index) => paint(tiles.children[index], state));
  const running = position < end();
  const detail = { filled: states[chosen].ink, heat: states[chosen].heat, running, at: running ? trace.order[until] : -1 };
  easel().dispatchEvent(new CustomEvent("pixelcnn:show", { detail }));
  scrub.value = until;
  scrub.setAttribute("aria-valuetext", texts.pixel_of.replace("{pixel}", until).replace("{total}", trace.total));
  toggle.textContent = playing ? "❚❚" : running ? "▶" : "↻";
  toggle.setAttribute("aria-label", playing ? texts.pause : running ? texts.play : texts.replay);
  for (const [index, canvas] of [...tiles.children].entries()) canvas.setAttribute("aria-selected", index === chosen);
  facts.textContent = words(until);
}

function words(until) {
  const line = [texts.pixel_of.replace("{pixel}", until).replace("{total}", trace.total)];
  if (until > 0 && until < trace.total) {
    const percent = ((100 * trace.given[chosen][until - 1]) / 255).toFixed(0);
    const black = trace.ink[chosen][until - 1] >= 128;
    line.push(texts.given.replace("{percent}", percent).replace("{colour}", black ? texts.ink : texts.paper));
  }
  if (until === trace.total && trace.nats.length) line.push(texts.nats.replace("{nats}", trace.nats[chosen].toFixed(1)));
  line.push(`${trace.model}, ${texts.seed} ${trace.seed}`);
  return line.join(" · ");
}

function paint(canvas, { ink, heat }) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let pixel = 0; pixel < size; pixel++) {
    const mine = !trace.unknown.has(pixel);
    const level = mine ? known[pixel] : ink[pixel];
    const colour = mine ? INK : FILL;
    for (let part = 0; part < 3; part++) {
      const plain = PAPER[part] + (Math.max(0, level) / 255) * (colour[part] - PAPER[part]);
      picture.data[4 * pixel + part] = plain + heat[pixel] * 0.35 * (WARM[part] - plain);
    }
    picture.data[4 * pixel + 3] = level < 0 ? 0 : 255;
  }
  context.putImageData(picture, 0, 0);
}

toggle.addEventListener("click", () => {
  if (!trace) return;
  if (!playing && position >= end()) position = 0;
  playing = !playing;
  show();
  run();
});
root.querySelector(".step").addEventListener("click", () => {
  if (!trace) return;
  playing = false;
  position = Math.min(ready(), Math.floor(position) + 1);
  show();
});
scrub.addEventListener("input", () => {
  if (!trace) return;
  playing = false;
  position = Math.min(ready(), Number(scrub.value));
  show();
});

// The drawing changed: what is shown, or still to come, was of another one.
document.addEventListener("pixelcnn:redrawn", () => {
  if (awaited && ready() < (trace ? trace.total : 1)) trigger("abandoned"); // the server need not go on
  awaited = trace = null;
  playing = false;
  root.hidden = true;
});
// Stop: the server is told by the button itself; here the clock stands still where it is.
document.addEventListener("pixelcnn:stop", () => {
  awaited = null;
  if (!trace) return;
  ended = ready() < trace.total;
  playing = false;
  show();
});
document.addEventListener("pixelcnn:sent", (event) => {
  awaited = event.detail;
  known = easel().seen();
});

root.querySelector(".step").textContent = "+1";
root.querySelector(".step").setAttribute("aria-label", texts.step);
root.querySelector(".pace span").textContent = texts.speed;
speed.setAttribute("aria-label", texts.speed);
scrub.setAttribute("aria-label", texts.scrub);
tiles.setAttribute("aria-label", texts.tiles);
watch("value", () => receive(props.value));

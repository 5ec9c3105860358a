// The player. Completions arrive in batches, as fast as the server computes them; the player shows their pixels one by one
// at a speed of its own.
import { atTemperature, ClassChoice, inkProbability } from "../core/completion.js";
import { listen, reducedMotion, setText } from "../core/dom.js";
import { watchChoice } from "./chosen-pixel.js";
import { colorName, startPixelReadout } from "./pixel-readout.js";
import { startTiles } from "./tiles.js";

const RESPONSE_TIMEOUT_MS = 20000; // without a message for this long, a completion stays unfinished
const MAX_FRAME_S = 0.1; // a longer frame, in a tab in the background, counts as this long
const INSTANT = 100; // of the speed slider; 0 to 99 is 1 to 2000 pixels a second, on a logarithmic scale
const MAX_SPEED = 2000;
const SHOW_EVERY_MS = 100; // how often texts and bars follow while the pictures play: nobody reads faster

export function startPlayer(store, root) {
  const { i18n } = store;
  const [toggle, back, step, scrub] = ["toggle", "back", "step", "scrub"].map((name) => root.querySelector(`.${name}`));
  const status = root.querySelector(".player-status"), summary = root.querySelector(".summary");
  const probability = root.querySelector(".probability");
  watchChoice(store);
  const tiles = startTiles(store, root), readout = startPixelReadout(store, root);
  const speed = startSpeed(i18n, root);
  const clock = startClock(store, speed, (key) => {
    status.textContent = i18n.t(key);
  });

  function show() {
    root.dataset.completions = store.completions.length > 1 ? "many" : store.completions.length;
    const running = store.completions.length > 0 && store.position < store.end;
    const atEnd = store.completions.length > 0 && !running;
    const [symbol, action] = store.playing ? ["❚❚", "pause"] : atEnd ? ["↻", "replay"] : ["▶", "play"];
    setText(toggle, symbol);
    toggle.setAttribute("aria-label", i18n.t(`player.${action}`));
    const parts = store.completion ? summaryOf(store) : [], origin = parts.pop();
    setText(summary.querySelector(".summary-state"), parts.join(" · "));
    setText(summary.querySelector(".summary-origin"), origin ? ` · ${origin}` : "");
    if (store.completion) {
      scrub.max = store.total;
      scrub.setAttribute("aria-valuetext", pixelCount(store));
    }
    scrub.value = store.step;
    tiles.show();
    showProbability(store, probability, running);
    readout.show();
  }

  // Moves by one step and announces the new state to screen readers.
  function stepTo(position) {
    store.seek(position);
    status.textContent = [summaryOf(store).slice(0, 2).join(", "), probability.textContent].join(". ");
  }

  // The first step requests a completion and shows the probability of its first pixel.
  const stepForward = () => (store.completions.length ? stepTo(store.step + 1) : store.complete({ paused: true }));
  const stepBack = () => store.completions.length && stepTo(store.step - 1);

  toggle.addEventListener("click", () => (store.completions.length ? store.togglePlay() : store.complete()));
  step.addEventListener("click", stepForward);
  back.addEventListener("click", stepBack);
  scrub.addEventListener("input", () => store.seek(Number(scrub.value)));
  listen(store, ["settings", "cleared"], show);
  store.addEventListener("completions", () => clock.received());
  store.addEventListener("position", () => {
    show();
    if (store.playing) clock.run();
  });
  i18n.addEventListener("changed", show);
  show();
  return { stepForward, stepBack, flip: readout.flip, changeSpeed: speed.change };
}

// The speed slider.
function startSpeed(i18n, root) {
  const slider = root.querySelector(".speed"), output = root.querySelector(".speed-value");
  if (reducedMotion()) slider.value = INSTANT;
  const instant = () => slider.value >= INSTANT;
  const pixelsPerSecond = () => Math.pow(MAX_SPEED, slider.value / (INSTANT - 1));

  function show() {
    const value = pixelsPerSecond(), pixels = value < 10 ? value.toFixed(1) : Math.round(value);
    output.textContent = i18n.t(instant() ? "player.speed_instant" : "player.speed_value", { pixels });
    slider.setAttribute("aria-valuetext", output.textContent);
  }

  function change(by) {
    slider.value = Number(slider.value) + by;
    show();
  }

  slider.addEventListener("input", show);
  i18n.addEventListener("changed", show);
  show();
  return { instant, pixelsPerSecond, change };
}

// The position after `pixels` more, as far as all completions have arrived. It never moves back, not even if the first pixels
// of a second model arrive after many of the first.
export const advance = ({ position, available }, pixels) => Math.max(position, Math.min(available, position + pixels));

// Moves the position forward while the player plays. Every step emits "moved", and ten times a second there is "position"
// instead. announce(key): for screen readers, at the end.
export function startClock(store, speed, announce) {
  let frame = 0, lastFrame = 0, lastMessage = 0, lastShown = 0; // the frame's handle; times in ms

  function run() {
    if (frame) return;
    lastFrame = performance.now();
    frame = requestAnimationFrame(tick);
  }

  function tick(now) {
    const { step } = store, elapsed = Math.min(MAX_FRAME_S, Math.max(0, now - lastFrame) / 1000); // `now` can be before lastFrame
    lastFrame = now;
    if (store.playing) {
      store.position = advance(store, speed.instant() ? Infinity : elapsed * speed.pixelsPerSecond());
    }
    const waiting = store.completions.length && store.position >= store.available;
    if (waiting && now - lastMessage > RESPONSE_TIMEOUT_MS) store.ended = true;
    if (store.playing && store.position >= store.end) {
      store.playing = false;
      announce(store.position >= store.total ? "player.finished" : "player.stopped");
    }
    if (!store.playing || now - lastShown >= SHOW_EVERY_MS) {
      lastShown = now;
      store.emit("position");
    } else if (store.step !== step) {
      store.emit("moved");
    }
    frame = store.playing ? requestAnimationFrame(tick) : 0;
  }

  function received() {
    lastMessage = performance.now();
    run();
  }

  return { run, received };
}

const pixelCount = (store) => store.i18n.t("player.pixel_of", { pixel: store.step, total: store.total });

// What to say about the current step, the most important first. The last part is where the picture comes from.
function summaryOf(store) {
  const { i18n, completion, step } = store, { model, seed, sampledDigit, probabilities, nats } = completion;
  const parts = [pixelCount(store)];
  if (sampledDigit !== ClassChoice.NONE) parts.unshift(i18n.t("player.digit", { digit: sampledDigit }));
  if (step > 0 && step < store.total && step <= probabilities.length) {
    const percent = (100 * probabilities[step - 1]).toFixed(0);
    parts.push(i18n.t("player.drawn", { percent, color: colorName(i18n, completion, completion.ink[step - 1]) }));
  }
  if (step === store.total && nats !== null) parts.push(i18n.t("player.total_nats", { nats: nats.toFixed(1) }));
  parts.push(`${model}, ${i18n.t("player.seed")} ${seed}`);
  return parts;
}

// The next pixel's probability of ink, as a number and a bar, at the current temperature setting.
function showProbability(store, box, running) {
  const { i18n, completion, temperatureChanged } = store, { temperature } = store.settings;
  const p = running ? inkProbability(completion, store.step) : NaN;
  const text = box.querySelector(".probability-text");
  box.hidden = Number.isNaN(p);
  if (box.hidden) return setText(text, "");
  const shown = temperatureChanged ? atTemperature(p, completion.temperature, temperature) : p;
  box.querySelector(".probability-bar").style.width = `${100 * shown}%`;
  const key = temperatureChanged ? "player.next_pixel_at" : "player.next_pixel";
  setText(text, i18n.t(key, { percent: (100 * shown).toFixed(1), temperature }));
}

// The anatomy panel: how one pixel was drawn, from the pixels that the network reads to its factor of the likelihood.
import { ApiError, fetchJson } from "../core/api.js";
import { ClassChoice, drawingAt, rootOf, sum } from "../core/completion.js";
import { listen, narrowScreen } from "../core/dom.js";
import { chosenPixel } from "../player/chosen-pixel.js";
import { colorName } from "../player/pixel-readout.js";
import { showLevels, showSigmoid } from "./anatomy-chart.js";
import {
  anatomyRequest, explainedStep, isFlipped, nearestUncertain, nearlyCertain, probabilitiesAt, pushes, selectedLevel, temperatureAt,
} from "./anatomy-math.js";
import { makeView, paintAttribution, showNeighborhood, showNumbers } from "./anatomy-view.js";

const FOLLOW_DELAY_MS = 120;
const GIVES_WAY = [null, "ladder"]; // what is open when a tapped pixel opens this panel; the comparison has no use for a tap

// Opens the panel when a filled pixel is tapped. On a small screen it would move the canvas, so there it only follows.
export function watchSelection(store, panels) {
  store.addEventListener("pixel-selected", () => {
    if (GIVES_WAY.includes(panels.opened) && !narrowScreen() && chosenPixel(store)) panels.open("anatomy", { scroll: false });
  });
}

// The pixel to explain, {pixel, step}, where step is -1 for a pixel that was drawn by the user; null if there is none.
function explained(store) {
  const { completion, step: position } = store, chosen = chosenPixel(store);
  if (chosen || !completion) return chosen;
  const step = explainedStep(completion, position);
  return step < 0 || !completion.ink.length ? null : { pixel: completion.order[step], step };
}

const answers = new WeakMap(); // completion -> Map of pixel and temperature -> promise of the server's answer

function fetchAnatomy(completion, pixel, temperature) {
  if (!answers.has(completion)) answers.set(completion, new Map());
  const known = answers.get(completion), key = `${pixel} ${temperature}`;
  if (!known.has(key)) {
    const answer = fetchJson("anatomy", anatomyRequest(completion, pixel, temperature));
    known.set(key, answer);
    answer.catch(() => known.delete(key));
  }
  return known.get(key);
}

export function startAnatomy(store, box) {
  const { i18n } = store;
  const parts = makeView(box, store, {
    noise: (value) => showDraw(store, parts, Object.assign(shown, { noise: value })),
    temperature: (temperature) => store.updateSettings({ temperature }),
    branch: () => store.branch(store.selected, shown.step, { flip: true, temperature: shown.temperature }),
    uncertain: (pixel) => store.selectPixel(pixel),
  });
  let shown = null; // {completion, pixel, step, temperature, answer, noise}
  let requests = 0, timer = 0;

  // At the temperature of the settings if that was changed, as for the player's next pixel.
  const temperatureOf = (step) =>
    store.temperatureChanged ? store.settings.temperature : temperatureAt(store.completion, Math.max(0, step));

  async function load() {
    const { completion } = store, request = ++requests, target = explained(store);
    if (!target) return say(i18n.t(completion ? "anatomy.paused" : "anatomy.no_completion"));
    const temperature = temperatureOf(target.step), gray = completion.levels > 2;
    if (parts.body.hidden) say(i18n.t("digits.loading"));
    const answer = await fetchAnatomy(completion, target.pixel, gray ? temperature : 1).catch((error) => error);
    if (request !== requests) return; // another pixel was chosen meanwhile
    if (answer instanceof ApiError) return say(i18n.errorText(answer));
    const same = shown?.completion === completion && shown.pixel === target.pixel;
    shown = { completion, ...target, temperature, answer, noise: same ? shown.noise : answer.noise };
    show();
  }

  function say(text) {
    parts.body.hidden = true;
    parts.note.textContent = text;
  }

  function show() {
    parts.body.hidden = false;
    showPixel(store, parts, shown);
    parts.sampled.hidden = shown.step < 0;
    showDraw(store, parts, shown);
    if (shown.step >= 0) showLikelihood(store, parts, shown);
  }

  function follow() {
    clearTimeout(timer);
    if (!box.hidden && !store.playing) timer = setTimeout(load, FOLLOW_DELAY_MS);
    else if (!box.hidden && parts.body.hidden) say(i18n.t("anatomy.paused"));
  }

  listen(store, ["position", "completions", "cleared", "settings", "pixel-selected"], follow);
  i18n.addEventListener("changed", follow);
  return { shown: follow };
}

const place = (pixel, width) => ({ row: Math.floor(pixel / width) + 1, column: (pixel % width) + 1 });

// What pushed the pixel, and the neighborhood.
function showPixel({ i18n, width, height }, parts, { completion, pixel, step, answer }) {
  const { order, known, knownInk, levels } = completion, gray = levels > 2;
  const before = drawingAt(completion, step < 0 ? 0 : step, false);
  const ink = Array.from(before.ink, (value, each) => (before.known[each] ? value : -1));
  const color = colorName(i18n, completion, known[pixel] ? knownInk[pixel] : completion.ink[step]);
  const params = { ...place(pixel, width), number: step + 1, total: order.length, color };
  parts.note.textContent = i18n.t(step < 0 ? "anatomy.known_pixel" : "anatomy.pixel", params);
  paintAttribution(parts.picture, { attribution: answer.attribution, pixel, ink });
  showNeighborhood(parts.mask, { neighborhood: answer.neighborhood, pixel, ink, width, height });
  parts.mask.setAttribute("aria-label", i18n.t("anatomy.reads", { count: answer.neighborhood.length }));
  const { up, down } = pushes(answer.attribution);
  // Gray levels have no totals: where an expected level saturates, the gradient overstates them.
  const describe = (name, { pixel: strongest, total }) =>
    total > 0 ? i18n.t(`anatomy.${name}`, { ...place(strongest, width), total: total.toFixed(2) }) : "";
  parts.up.textContent = describe(gray ? "darker" : "towards", up);
  parts.down.textContent = describe(gray ? "lighter" : "against", down);
  parts.pushes.textContent = up.total + down.total > 0 ? "" : i18n.t("anatomy.no_pushes");
  const label = [parts.up, parts.down, parts.pushes].map(({ textContent }) => textContent).filter(Boolean).join("; ");
  parts.picture.setAttribute("aria-label", label);
}

// The distribution at the temperature, the random number on the unit line, and what it selects.
function showDraw(store, parts, { completion, pixel, step, temperature, answer, noise }) {
  const { i18n } = store, { levels } = completion, gray = levels > 2, probabilities = probabilitiesAt(answer, temperature);
  const { level, from, to } = selectedLevel(probabilities, noise), ink = (255 * level) / (levels - 1);
  const color = colorName(i18n, completion, ink), percent = (100 * probabilities[1]).toFixed(1);
  parts.temperature.value = temperature;
  parts.temperature.setAttribute("aria-valuetext", temperature);
  const [x, y] = gray ? ["level", "probability"] : ["logit", "ink"];
  const labels = { x: i18n.t(`anatomy.axis_${x}`), y: i18n.t(`anatomy.axis_${y}`) };
  if (gray) showLevels(parts.chart, probabilities, { level, expected: answer.prediction, labels });
  else showSigmoid(parts.chart, answer.prediction, temperature, labels);
  parts.logit.textContent = gray
    ? i18n.t("anatomy.expected", { level: answer.prediction.toFixed(0), temperature })
    : i18n.t("anatomy.logit", { logit: answer.prediction.toFixed(2), temperature, percent });
  if (step < 0) return;
  parts.noise.value = noise;
  parts.noise.setAttribute("aria-valuetext", `${noise.toFixed(3)}, ${color}`);
  const [start, end] = gray ? [from, to] : [probabilities[0], 1];
  parts.noise.style.setProperty("--from", start > 0 ? start : -1); // up to the ends of the line, beyond the thumb's way
  parts.noise.style.setProperty("--to", end < 1 ? end : 2);
  const paper = probabilities[0].toFixed(3);
  const numbers = { noise: noise.toFixed(3), from: from.toFixed(3), to: to.toFixed(3), color, paper };
  const flipped = isFlipped(completion, step) && noise === answer.noise;
  const key = gray ? "drawn_gray" : level ? "drawn_ink" : "drawn_paper";
  const actual = colorName(i18n, completion, completion.ink[step]);
  const certain = !gray && nearlyCertain(probabilities[1]);
  parts.draw.textContent = [
    i18n.t(`anatomy.${key}`, numbers), certain && i18n.t("anatomy.certain"), flipped && i18n.t("anatomy.flipped", { color: actual }),
  ].filter(Boolean).join(" ");
  const same = Math.round(completion.ink[step]) === ink;
  parts.branch.hidden = gray || (certain && same);
  parts.branch.disabled = same;
  parts.branch.textContent = i18n.t(same ? "anatomy.drag" : "anatomy.branch", { color });
  showUncertain(store, parts.uncertain, certain ? nearestUncertain(completion, pixel, store.step, store.width) : -1);
}

// The button that leads from a pixel that is nearly certain to one where the random number matters; -1 for none.
function showUncertain({ i18n, width }, button, pixel) {
  button.hidden = pixel < 0;
  button.dataset.pixel = pixel;
  button.textContent = i18n.t("anatomy.uncertain", place(pixel, width));
}

// The factors of p(x | known) as probabilities and nats.
function showLikelihood({ i18n }, parts, { completion, answer }) {
  const { digit, digit_nats: digitNats, nats } = answer, sampled = rootOf(completion).digit === ClassChoice.SAMPLED;
  const withDigit = sampled && digitNats !== null, formula = withDigit ? "sampled" : digit < 0 ? "plain" : "given";
  const factor = (name, value) => [name, `${(100 * Math.exp(-value)).toFixed(1)} %`, value.toFixed(2)];
  const total = sum(nats) + (withDigit ? digitNats : 0);
  parts.formula.textContent = i18n.t(`anatomy.formula_${formula}`);
  showNumbers(parts.numbers, [
    ...(withDigit ? [factor(i18n.t("anatomy.factor_digit", { digit }), digitNats)] : []),
    factor(i18n.t("anatomy.factor_pixel", { number: nats.length }), nats.at(-1)),
    [i18n.t("anatomy.sum", { count: nats.length }), "", total.toFixed(2)],
  ]);
}

// Charts of the distribution of one pixel: the logit on the sigmoid curve, or the probability of every gray level.
import { sigmoidCurve } from "./anatomy-math.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 240, HEIGHT = 116, MARGIN = 8, LABEL = 16; // LABEL: the height above and below the chart
const LIMIT = 8; // logits from -8 to 8 are shown

function shape(tag, attributes) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const across = (share) => MARGIN + share * (WIDTH - 2 * MARGIN);
const up = (share) => HEIGHT - LABEL - share * (HEIGHT - 2 * LABEL);
const line = (points) => `M${points.map((point) => point.map((value) => value.toFixed(1)).join(" ")).join("L")}`;
const vertical = (x, name) => shape("path", { class: name, d: line([[x, up(0)], [x, up(1)]]) });
const axis = () => shape("path", { class: "axis", d: line([[across(0), up(0)], [across(1), up(0)]]) });

// What the axes mean: `y` above the chart, `x` below it.
function labelsOf({ x, y }) {
  const label = (text, place) => Object.assign(shape("text", { class: "label", ...place }), { textContent: text });
  return [label(y, { x: MARGIN, y: LABEL - 6 }), label(x, { x: WIDTH - MARGIN, y: HEIGHT - 4, "text-anchor": "end" })];
}

// The text of the panel says the same, so that screen readers skip the chart.
export const makeChart = () =>
  shape("svg", { class: "anatomy-chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });

// The logit on the curve of the temperature, and on that of temperature 1. labels: of the axes, {x, y}.
export function showSigmoid(chart, logit, temperature, labels) {
  const x = (value) => across((Math.min(LIMIT, Math.max(-LIMIT, value)) / LIMIT + 1) / 2);
  const points = (t) => sigmoidCurve(t, LIMIT).map(([value, p]) => [x(value), up(p)]);
  const curve = (t, name) => shape("path", { class: name, d: line(points(t)) });
  const p = 1 / (1 + Math.exp(-logit / temperature));
  chart.replaceChildren(
    axis(), vertical(across(0.5), "axis"), vertical(x(logit), "logit"),
    ...(temperature === 1 ? [] : [curve(1, "curve trained")]), curve(temperature, "curve"),
    shape("circle", { class: "dot", cx: x(logit), cy: up(p), r: 4 }), ...labelsOf(labels),
  );
}

// The probability of every level, the level that is drawn and the expected level. labels: of the axes, {x, y}.
export function showLevels(chart, probabilities, { level, expected, labels }) {
  const last = probabilities.length - 1, top = Math.max(...probabilities);
  const points = probabilities.map((p, each) => [across(each / last), up(p / top)]);
  chart.replaceChildren(
    shape("path", { class: "levels", d: `${line([[across(0), up(0)], ...points, [across(1), up(0)]])}Z` }),
    axis(), vertical(across(expected / last), "expected"), vertical(across(level / last), "logit"), ...labelsOf(labels),
  );
}

// The learn panel: a small network is trained on the server while everyone who has the panel open watches.
import { paintPixels } from "../canvas/paint.js";
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";
import { fromHex, toHex } from "../core/hex.js";
import { knownPixels } from "../core/request.js";
import { readStorage, writeStorage } from "../core/storage.js";
import { drawChart } from "./chart.js";
import { makeControls } from "./controls.js";

const POLL_MS = 2000;
const STORAGE_KEY = "pixelcnn.learn"; // the key of the training that was started in this tab
const SEED = 7; // of all completions, so that only the network differs

function makeElements(width, height) {
  return {
    chart: make("canvas", { class: "learn-chart", role: "img" }),
    picture: make("canvas", { class: "learn-picture", width, height, role: "img", i18nLabel: "learn.picture" }),
    slider: make("input", { type: "range", min: 0, max: 0, value: 0, i18nLabel: "learn.slider" }),
    note: make("p", { class: "learn-note", "aria-live": "polite" }),
    caption: make("p", { class: "learn-caption" }),
    download: make("a", { class: "learn-download", i18n: "learn.download", download: "", hidden: true }),
    legend: make("p", { class: "learn-legend" }, ["valid", "train", "shipped", "untrained"].map((name) =>
      make("span", { class: `learn-${name}`, i18n: `learn.${name}` }))),
  };
}

// What is said about a run and one of its points, if there is one.
function describe(i18n, { state, shipped, options }, point) {
  const running = ["running", "paused"].includes(state);
  if (!point) return i18n.t(`learn.${state === "failed" ? "failed" : running ? "starting" : "none"}`);
  const [step, , nats, seconds] = point;
  const numbers = { step, nats: nats.toFixed(1), seconds: Math.round(seconds), shipped: shipped?.toFixed(1) ?? "?" };
  return `${i18n.t(`learn.${state}`)} ${i18n.t(options.data === "wall" ? "learn.progress_wall" : "learn.progress", numbers)}`;
}

// Completes the visitor's drawing with the weights of a step and shows the picture and its surprise.
function makeCompleter(store, picture, caption) {
  const { drawing, i18n, width, height } = store;
  let shown = ""; // what the picture shows: the run, its step and the drawing

  async function complete(step, options) {
    const known = knownPixels(drawing), message = { ink: toHex(drawing.ink), known: Array.from(known).join("") };
    const wanted = JSON.stringify([step, options, message]);
    if (wanted === shown || !known.includes(0)) return;
    const answer = await fetchJson("learn/complete", { drawing: message, step, seed: SEED });
    shown = wanted;
    const values = fromHex(answer.ink, 2);
    paintPixels(picture.getContext("2d"), { width, height, known: (pixel) => known[pixel], ink: (pixel) => values[pixel] });
    picture.dataset.step = step;
    caption.textContent = i18n.t("learn.completed", { step, nats: answer.nats.toFixed(1) });
  }

  return { complete };
}

export function startLearn(store, box) {
  const { i18n, width, height } = store;
  const controls = makeControls(i18n, act);
  const { chart, picture, slider, note, caption, download, legend } = makeElements(width, height);
  const completer = makeCompleter(store, picture, caption);
  slider.addEventListener("input", choose);
  box.append(make("p", { i18n: "learn.lead" }), controls.box, note, make("div", { class: "learn-result" }, picture, chart),
    legend, slider, caption, download);

  let state = { state: "none", points: [], options: {}, shipped: null, wall: null, needed: 0 };
  let chosen = -1; // index of the point that is shown; -1 for the newest
  let timer = 0, problem = null, completing = false;

  const newest = () => state.points.length - 1;
  const index = () => (chosen < 0 ? newest() : Math.min(chosen, newest()));

  // action: "start" with options, "pause", "resume" or "stop".
  async function act(action, options = {}) {
    if (action === "start") chosen = -1;
    await request({ action, key: readStorage("sessionStorage", STORAGE_KEY), ...options });
    clearTimeout(timer);
    poll();
  }

  async function request(body) {
    try {
      const answer = await fetchJson("learn", body);
      if (answer.key) writeStorage("sessionStorage", STORAGE_KEY, answer.key);
      state = answer;
      problem = null;
    } catch (error) {
      problem = error;
    }
    show();
  }

  async function poll() {
    if (box.hidden) return;
    if (!document.hidden) await request();
    completeTop(); // may take longer than the next request
    clearTimeout(timer);
    timer = setTimeout(poll, POLL_MS);
  }

  function choose() {
    chosen = Number(slider.value) === newest() ? -1 : Number(slider.value);
    show();
    completeTop();
  }

  // Completes the visitor's drawing with the network of the point that is shown.
  async function completeTop() {
    const point = state.points[index()];
    if (!point || completing) return;
    completing = true;
    try {
      await completer.complete(point[0], state.options);
    } catch (error) {
      problem = error;
    }
    completing = false;
  }

  function show() {
    const { points, shipped } = state, point = points[index()];
    controls.update(state);
    slider.max = Math.max(0, newest());
    slider.value = index();
    slider.hidden = chart.hidden = legend.hidden = picture.hidden = !point;
    note.textContent = problem ? i18n.errorText(problem) : describe(i18n, state, point);
    download.hidden = !point || state.state !== "finished";
    if (!point) return;
    download.href = new URL(`learn/weights?step=${point[0]}`, document.baseURI).href;
    chart.setAttribute("aria-label", describe(i18n, state, point));
    drawChart(chart, points, { shipped, chosen: index(), i18n });
  }

  i18n.addEventListener("changed", show);
  return { shown: poll, hidden: () => clearTimeout(timer) };
}

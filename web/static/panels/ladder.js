// The ladder: one drawing completed by five models with the same random numbers, from one without memory to one that reads
// every earlier pixel. What each kind of memory is worth shows in the pictures and in nats. Below them are the exhibits,
// which have no likelihood.
import { CompletionPainter } from "../canvas/paint.js";
import { fetchJson } from "../core/api.js";
import { ClassChoice, isFinished, sum } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { toHex } from "../core/hex.js";
import { entryOfKind, modelName } from "../core/models.js";
import { startExhibits } from "./exhibits.js";
import { startTries } from "./tries.js";

const KINDS = ["independent", "pixelcnn", "gated_pixelcnn", "diagonal_bilstm", "freeform"]; // the least memory first

// The entries of the ladder that the server has, as [kind, entry].
export const rungs = (models) =>
  KINDS.map((kind) => [kind, entryOfKind(models, kind)]).filter(([, entry]) => entry !== undefined);

// The completion of every entry, if the completions hold one picture of each with the same noise; null otherwise.
export function ladderOf(completions, entries) {
  const direct = completions.filter(({ branchStep }) => !branchStep);
  const first = direct.find(({ model }) => model === entries[0]);
  const same = ({ seed, sample, temperature, digit }) =>
    first && seed === first.seed && sample === first.sample && temperature === first.temperature && digit === first.digit;
  const found = entries.map((entry) => direct.find((each) => each.model === entry && same(each)));
  return found.every(Boolean) ? found : null;
}

// The ink of a finished completion, with that of the known pixels.
export function pictureOf({ knownInk, order, ink }) {
  const picture = Uint8Array.from(knownInk);
  order.forEach((pixel, index) => (picture[pixel] = ink[index]));
  return picture;
}

const readings = new WeakMap(); // the first completion of a ladder -> promise of the digits that a classifier reads

function readDigits(completions) {
  if (!readings.has(completions[0])) {
    const pictures = completions.map((completion) => toHex(pictureOf(completion)));
    readings.set(completions[0], fetchJson("read-digits", { pictures }).then(({ digits }) => digits, () => []));
  }
  return readings.get(completions[0]);
}

function makeRow({ width, height }, kind, entry) {
  const canvas = make("canvas", { width, height, role: "img" }), name = make("strong");
  const test = make("p", { class: "ladder-test" }), value = make("p", { class: "ladder-nats" });
  const facts = make("p", { class: "ladder-facts" });
  const tries = make("div", { class: "ladder-tries" });
  const text = make("div", {}, name, make("p", { i18n: `ladder.${kind}` }), test, value, facts, tries);
  return { entry, canvas, painter: new CompletionPainter(canvas), name, value, test, facts, tries, item: make("li", { "data-model": entry }, canvas, text) };
}

// The completions of the last run, which stay, like the exhibits, while others of the same drawing are shown: {get, forget}.
function keepLatest(store, entries) {
  let latest = null;
  const forget = () => {
    latest = null;
  };
  const get = () => {
    latest = ladderOf(store.completions, entries) ?? latest;
    return latest;
  };
  store.addEventListener("cleared", forget);
  return { get, forget };
}

export function startLadder(store, box) {
  const { i18n, facts } = store, ladder = rungs(facts.models);
  const entries = ladder.map(([, entry]) => entry), rows = ladder.map(([kind, entry]) => makeRow(store, kind, entry));
  const latest = keepLatest(store, entries);
  const complete = make("button", {
    type: "button", class: "ladder-complete", i18n: "ladder.complete",
    onclick: () => {
      latest.forget();
      const models = [...entries].reverse(); // the picture with the most memory is the large one
      store.complete({ overrides: { models, samples: 1, digit: ClassChoice.NONE } });
      exhibits.run();
    },
  });
  const status = make("p", { class: "visually-hidden", "aria-live": "polite" });
  const exhibits = startExhibits(store), actions = make("div", { class: "ladder-actions" }, complete);
  actions.append(startTries(store, [...rows, ...exhibits.rows]));
  const list = make("ol", { class: "ladder" }, rows.map(({ item }) => item));
  box.append(make("p", { i18n: "ladder.lead" }), actions, list, status, ...exhibits.elements);

  const stepOf = (completion) => (store.completions.includes(completion) ? store.step : completion.ink.length);

  function paintRow({ painter }, completion) {
    if (completion) painter.paint(completion, stepOf(completion), stepOf(completion) < completion.order.length);
    else painter.clear();
  }

  function showRow(row, completion) {
    const { entry, canvas, value, facts: line } = row;
    value.textContent = line.textContent = "";
    canvas.setAttribute("aria-label", i18n.t("ladder.picture", { model: entry }));
    paintRow(row, completion);
    if (!completion) return;
    const step = Math.min(stepOf(completion), completion.ink.length), end = step === completion.order.length;
    const nats = end && completion.nats !== null ? completion.nats : Math.LN2 * sum(completion.bits, step);
    value.textContent = i18n.t("ladder.nats", { nats: nats.toFixed(1), count: step, total: completion.order.length });
  }

  async function showReadings(completions) {
    const digits = await readDigits(completions);
    if (latest.get()?.[0] !== completions[0]) return; // others have come
    rows.forEach(({ facts: line }, index) => {
      const seconds = (completions[index].ms / 1000).toFixed(1);
      line.textContent = digits.length ? i18n.t("ladder.facts", { digit: digits[index], seconds }) : "";
    });
  }

  function paint() {
    if (box.hidden) return;
    const completions = latest.get();
    rows.forEach((row, index) => paintRow(row, completions?.[index]));
  }

  function show() {
    const completions = latest.get(); // of a closed panel, too
    if (box.hidden) return;
    rows.forEach((row, index) => showRow(row, completions?.[index]));
    for (const { entry, name, test } of rows) {
      name.textContent = modelName(i18n, entry);
      const { nats } = store.facts.models[entry] ?? {};
      test.textContent = nats ? i18n.t("ladder.test", { nats: nats.toFixed(1) }) : "";
    }
    const finished = completions?.every((each) => isFinished(each) && stepOf(each) === each.order.length);
    if (finished) showReadings(completions);
    const text = finished ? rows.map(({ entry, value }) => `${entry}: ${value.textContent}`).join(" ") : "";
    if (status.textContent !== text) status.textContent = text;
  }

  listen(store, ["position", "completions", "cleared", "settings"], show);
  store.addEventListener("moved", paint);
  i18n.addEventListener("changed", show);
  return { shown: show };
}

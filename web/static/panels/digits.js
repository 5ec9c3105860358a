// The digits panel: the probability of each digit given the pixels so far, and the surprise of the pixels in bits.
import { pixelsAt } from "../canvas/paint.js";
import { ApiError, fetchJson } from "../core/api.js";
import { ClassChoice, isFinished, sum } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { fromHex, toHex } from "../core/hex.js";

// p(digit | pixels before a step) at every step of a finished completion and at its end, (steps + 1) x classes.
async function fetchPosterior(completion) {
  const { knownInk, known, model } = completion;
  const { ink } = pixelsAt(completion, completion.ink.length);
  const picture = Uint8Array.from(knownInk, (value, pixel) => (known[pixel] ? value : ink[pixel]));
  const drawing = { ink: toHex(picture), known: Array.from(known).join("") };
  const answer = await fetchJson("class-posterior", { model, drawing });
  return Float32Array.from(fromHex(answer.posterior, 4), (value) => value / 65535);
}

export function startDigits(store, box) {
  const { i18n } = store;
  const modelClasses = Object.values(store.facts.models).map((model) => model.classes);
  const maxClasses = Math.max(10, ...modelClasses);
  const bars = Array.from({ length: maxClasses }, (_, digit) => make("li", { "data-digit": digit },
    make("span", { class: "digit" }, String(digit)),
    make("span", { class: "bar" }, make("i")),
    make("span", { class: "percent" })));
  const list = make("ol", { class: "bars" }, bars);
  const note = make("p", { class: "digits-note", "aria-live": "polite" });
  const knownBits = make("p", { class: "bits-known" }), modelBits = make("p", { class: "bits-model" });
  box.append(list, note, make("h3", { i18n: "digits.surprise" }), knownBits, modelBits);

  const classesOf = (completion) => store.facts.models[completion?.model]?.classes;
  const posteriors = new WeakMap(); // completion -> its posterior, an ApiError, or null if its model has no classes
  let requested = null; // the completion that was requested last, so that it is not requested again

  async function load() {
    const { completion } = store;
    if (store.awaiting || !isFinished(completion) || posteriors.has(completion) || requested === completion) return;
    requested = completion;
    const answer = classesOf(completion) ? await fetchPosterior(completion).catch((error) => error) : null;
    posteriors.set(completion, answer);
    if (store.completion === completion) show();
  }

  function show() {
    if (box.hidden) return;
    const { completion } = store;
    const answer = completion && posteriors.get(completion), posterior = answer instanceof Float32Array ? answer : null;
    const step = Math.min(store.step, completion ? completion.order.length : 0);
    showBars(posterior, step);
    note.textContent = noteText(answer);
    knownBits.textContent = completion ? knownBitsText(completion) : "";
    modelBits.textContent = completion
      ? i18n.t("digits.model_bits", { bits: sum(completion.bits, step).toFixed(1), pixels: step })
      : "";
    if (completion && !posteriors.has(completion)) load();
  }

  function showBars(posterior, step) {
    const classes = classesOf(store.completion) || maxClasses;
    list.classList.toggle("idle", !posterior);
    bars.forEach((bar, digit) => {
      const p = posterior ? posterior[classes * step + digit] : 0;
      bar.hidden = digit >= classes;
      bar.classList.toggle("sampled", Boolean(posterior) && store.completion.sampledDigit === digit);
      bar.querySelector("i").style.width = `${100 * p}%`;
      bar.querySelector(".percent").textContent = posterior ? `${Math.round(100 * p)} %` : "";
    });
  }

  function noteText(answer) {
    if (answer instanceof Float32Array) return conditionText(store.completion);
    if (answer === null) return i18n.t("digits.no_classes", { model: store.completion.model });
    if (answer instanceof ApiError) return i18n.errorText(answer);
    if (answer) return String(answer);
    const { completion } = store;
    const stopped = completion && !isFinished(completion) && (store.ended || !store.awaiting);
    return i18n.t(`digits.${stopped ? "unfinished" : completion ? "loading" : "no_completion"}`);
  }

  // Which digit conditions the completion: requested, or sampled from the posterior at step 0.
  function conditionText({ digit, sampledDigit, temperature }) {
    if (sampledDigit === ClassChoice.NONE) return "";
    const key = digit !== ClassChoice.SAMPLED ? "given" : temperature === 1 ? "sampled" : "sampled_at";
    return i18n.t(`digits.${key}`, { digit: sampledDigit, temperature });
  }

  function knownBitsText({ known, knownOrder, knownBits: bits }) {
    const pixels = knownOrder.length;
    if (!pixels) return i18n.t(known.includes(1) ? "digits.known_conditional" : "digits.known_none");
    return i18n.t("digits.known_bits", { bits: sum(bits).toFixed(1), pixels });
  }

  listen(store, ["position", "completions", "cleared"], show);
  i18n.addEventListener("changed", show);
  return { shown: show };
}

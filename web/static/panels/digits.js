// The digits panel: what the bars beside the canvas mean for this completion, and the surprise of the pixels in bits.
import { ClassChoice, sum } from "../core/completion.js";
import { listen, make } from "../core/dom.js";
import { posteriorNote } from "../core/posterior.js";

export function startDigits(store, box) {
  const { i18n } = store;
  const note = make("p", { class: "digits-note", "aria-live": "polite" });
  const knownBits = make("p", { class: "bits-known" }), modelBits = make("p", { class: "bits-model" });
  box.append(make("p", { i18n: "digits.bars" }), note, make("h3", { i18n: "digits.surprise" }), knownBits, modelBits);

  function show() {
    if (box.hidden) return;
    const { completion } = store, step = Math.min(store.step, completion ? completion.order.length : 0);
    note.textContent = posteriorNote(store, completion) || conditionText(completion);
    knownBits.textContent = completion ? knownBitsText(completion) : "";
    modelBits.textContent = completion
      ? i18n.t("digits.model_bits", { bits: sum(completion.bits, step).toFixed(1), pixels: step })
      : "";
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

  listen(store, ["position", "completions", "cleared", "posterior"], show);
  i18n.addEventListener("changed", show);
  return { shown: show };
}

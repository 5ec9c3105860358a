// p(digit | pixels so far) of completions, which the server computes once a completion is finished.
import { pixelsAt } from "../canvas/paint.js";
import { fetchJson } from "./api.js";
import { isFinished } from "./completion.js";
import { fromHex, toHex } from "./hex.js";
import { isPrefix } from "./request.js";

const answers = new WeakMap(); // completion -> its posterior, an ApiError, or a reason why there is none
const NO_CLASSES = "no_classes", NOT_A_PREFIX = "needs_prefix"; // the model has no classes; known pixels come after unknown ones
let requested = null; // the completion that was requested last, so that it is not requested again

export const classesOf = (store, completion) => store.facts.models[completion?.model]?.classes;

// p(digit | pixels before a step) of a completion at every step and at its end, (steps + 1) x classes; an ApiError; a text if
// there is none; undefined if it is not known yet. The store's event "posterior" says that it has arrived.
export function posteriorOf(store, completion) {
  if (completion && !answers.has(completion)) load(store, completion);
  return answers.get(completion);
}

async function load(store, completion) {
  if (store.awaiting || !isFinished(completion) || requested === completion) return;
  requested = completion;
  const reason = !classesOf(store, completion) ? NO_CLASSES : isPrefix(completion.known) ? "" : NOT_A_PREFIX;
  answers.set(completion, reason || await fetchPosterior(completion).catch((error) => error));
  if (store.completion === completion) store.emit("posterior");
}

async function fetchPosterior(completion) {
  const { knownInk, known, model } = completion;
  const { ink } = pixelsAt(completion, completion.ink.length);
  const picture = Uint8Array.from(knownInk, (value, pixel) => (known[pixel] ? value : ink[pixel]));
  const drawing = { ink: toHex(picture), known: Array.from(known).join("") };
  const answer = await fetchJson("class-posterior", { model, drawing });
  return Float32Array.from(fromHex(answer.posterior, 4), (value) => value / 65535);
}

// Why there are no bars for a completion, as a sentence; "" if there are.
export function posteriorNote(store, completion) {
  const { i18n } = store, answer = posteriorOf(store, completion);
  if (answer instanceof Float32Array) return "";
  if (answer === NO_CLASSES || answer === NOT_A_PREFIX) return i18n.t(`digits.${answer}`, { model: completion.model });
  if (answer) return answer.code === undefined ? String(answer) : i18n.errorText(answer);
  const stopped = completion && !isFinished(completion) && (store.ended || !store.awaiting);
  return i18n.t(`digits.${stopped ? "unfinished" : completion ? "loading" : "no_completion"}`);
}

// What the page requests: the parts of a message to the server, from the drawing, the settings and the completions.
import { ClassChoice, drawingAt } from "./completion.js";
import { toHex } from "./hex.js";

// The parts of a request to complete the drawing, one for each model. overrides: settings for this request only, and
// `models` to ask other models than those of the settings.
export function completionParts({ drawing, facts, settings }, overrides) {
  const ink = drawing.ink.slice(), known = knownPixels(drawing);
  const { samples, temperature, seed, digit, model, secondModel, ...rest } = { ...settings, ...overrides };
  const { models = secondModel && secondModel !== model ? [model, secondModel] : [model] } = rest;
  // If one of the models cannot sample a digit, the others do not either, so that they differ in their weights only.
  const comparable = digit !== ClassChoice.SAMPLED || models.every((entry) => facts.models[entry].classes);
  const common = comparable ? digit : ClassChoice.NONE;
  return models.map((entry) => {
    return { ink, known, model: entry, samples, temperature, seed, digit: conditionedDigit(facts, entry, common, known) };
  });
}

// A part as the server reads it.
export const messageOf = ({ ink, known, ...rest }) => ({ drawing: { ink: toHex(ink), known: known.join("") }, ...rest });

// The part that continues a completion from a step.
export function branchPart(parent, { step, flip, temperature }) {
  const { model, seed, sampledDigit, sample } = parent;
  return { ...drawingAt(parent, step, flip), model, samples: 1, first_sample: sample, temperature, seed, digit: sampledDigit };
}

// Whether all known pixels come before all unknown ones.
export const isPrefix = (known) => known.indexOf(0) > known.lastIndexOf(1);

// Which pixels are known, 0 or 1 each. None in the initial state: blank paper is not the top of a digit.
export const knownPixels = (drawing) => (drawing.untouched ? new Uint8Array(drawing.size) : drawing.known());

// The digit or ClassChoice to request from a model. A digit is sampled first only if all known pixels come before all
// unknown ones.
export function conditionedDigit({ models }, entry, digit, known) {
  const prefix = isPrefix(known);
  return models[entry]?.classes && (digit !== ClassChoice.SAMPLED || prefix) ? digit : ClassChoice.NONE;
}

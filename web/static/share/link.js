// Links: everything that determines the completions, packed into the fragment of a URL, and read back with full validation.
//
// The fragment is "VERSION." and base64url of: the length of the settings in two bytes, the settings as JSON, the ink (a
// byte a pixel), the hidden pixels (a bit a pixel), and a checksum. Most of a drawing is paper, so a run of zeros is
// written as a zero and its length. This module does not depend on the page.
import { ClassChoice, parentOf, TEMPERATURES } from "../core/completion.js";

export const VERSION = 1;
export const MAX_LENGTH = 16000; // characters; a 64 x 64 canvas full of scribbles is shorter
const MAX_ZEROS = 255; // in one run
const MAX_BRANCHES = 100;

// The settings are an array in this order, so names can change without a new version.
const FIELDS = [
  "width", "height", "cut", "model", "secondModel", "samples", "temperature", "seed", "digit",
  "sha", "secondSha", "device", "branches",
];

// The state of the page as a link describes it: FIELDS, `ink` and `hidden`. With completions it describes how these were
// requested, even if the settings have changed since; `missing` is the number of those that it does not give.
export function linkState({ width, height, drawing, settings, facts, completions }) {
  const { cut, ink, hidden } = drawing;
  const state = { width, height, cut, ink, hidden, device: facts.device, branches: [], missing: 0, ...settings };
  state.seed ??= 0;
  if (completions.length) Object.assign(state, requestOf(completions));
  if (state.secondModel === state.model) state.secondModel = "";
  const sha = (entry) => facts.models[entry]?.sha ?? "";
  return Object.assign(state, { sha: sha(state.model), secondSha: sha(state.secondModel) });
}

// The settings with which the first completions were requested, and the branches that lead to the others, as
// [step, flip, temperature, parent]: the number of the completion that it leaves, first those of the request and then the
// branches in this order. missing: how many completions that is not enough for.
function requestOf(completions) {
  const first = rootOf(completions[0]), { model, samples, temperature, seed } = first;
  const roots = completions.map(rootOf).filter((root) => isOfSameRequest(root, first));
  const secondModel = roots.find((root) => root.model !== model)?.model ?? "";
  const digit = roots.find((root) => root.digit !== ClassChoice.NONE)?.digit ?? ClassChoice.NONE;
  const models = secondModel ? [model, secondModel] : [model], branches = [], places = new Map();

  function placeOf(completion) {
    if (places.has(completion)) return places.get(completion);
    const parent = parentOf(completion), place = parent && placeOf(parent);
    if (!parent && models.includes(completion.model) && isOfSameRequest(completion, first)) {
      places.set(completion, models.indexOf(completion.model) * samples + completion.sample);
    } else if (place !== undefined && branches.length < MAX_BRANCHES) {
      places.set(completion, models.length * samples + branches.length);
      branches.push([completion.branchStep, completion.flipped, completion.temperature, place]);
    }
    return places.get(completion);
  }

  const missing = completions.filter((completion) => placeOf(completion) === undefined).length;
  return { model, secondModel, samples, temperature, seed, digit, branches, missing };
}

// The completion that was sampled directly and from which branches lead to this one.
const rootOf = (completion) => (parentOf(completion) ? rootOf(parentOf(completion)) : completion);

const isOfSameRequest = (completion, other) =>
  ["samples", "temperature", "seed"].every((name) => completion[name] === other[name]);

// The fragment for a state.
export function packLink(state) {
  const settings = new TextEncoder().encode(JSON.stringify(FIELDS.map((name) => state[name])));
  const hidden = new Uint8Array(Math.ceil(state.hidden.length / 8));
  for (const [pixel, bit] of state.hidden.entries()) hidden[pixel >> 3] |= bit << (pixel & 7);
  const bytes = [settings.length >> 8, settings.length & 255, ...settings, ...state.ink, ...hidden];
  const text = String.fromCharCode(...compressZeros([...bytes, ...checksum(bytes)]));
  return `${VERSION}.${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

// The state of a fragment, or {error, params} for an invalid one: the key of a message and its parameters.
export function unpackLink(fragment) {
  const { length } = fragment;
  if (length > MAX_LENGTH) return { error: "link.too_long", params: { length, most: MAX_LENGTH } };
  const [, version, text] = /^(\d{1,6})\.([\w-]*)$/.exec(fragment) || [];
  if (version && Number(version) !== VERSION) return { error: "link.version", params: { version, here: VERSION } };
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return parse(expandZeros(Uint8Array.from(binary, (letter) => letter.charCodeAt(0))));
  } catch {
    return { error: "link.broken", params: {} };
  }
}

// Throws an exception for bytes that packLink cannot have made.
function parse(bytes) {
  const length = 256 * bytes[0] + bytes[1];
  const values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice(2, 2 + length)));
  const state = Object.fromEntries(FIELDS.map((name, index) => [name, values[index]]));
  const size = isValid(state) ? state.width * state.height : 0;
  const ink = 2 + length, hidden = ink + size, end = hidden + Math.ceil(size / 8);
  const expected = checksum(bytes.slice(0, end));
  if (!size || bytes.length !== end + expected.length || expected.some((byte, index) => byte !== bytes[end + index])) {
    throw new Error("not a link");
  }
  state.ink = bytes.slice(ink, hidden);
  state.hidden = Uint8Array.from({ length: size }, (_, pixel) => (bytes[hidden + (pixel >> 3)] >> (pixel & 7)) & 1);
  return state;
}

// Whether all settings have valid types and ranges.
function isValid(state) {
  const { width, height, cut, model, secondModel, samples, temperature, seed, digit } = state;
  const { sha, secondSha, device, branches } = state;
  const isInteger = (value, min, max) => Number.isSafeInteger(value) && value >= min && value <= max;
  const isText = (value) => typeof value === "string" && value.length <= 100;
  const isTemperature = (value) => typeof value === "number" && value >= TEMPERATURES.min && value <= TEMPERATURES.max;
  const isBranch = (branch) => Array.isArray(branch) && isInteger(branch[0], 0, width * height) &&
    typeof branch[1] === "boolean" && isTemperature(branch[2]) && isInteger(branch[3] ?? 0, 0, 1000); // older links have no parent
  return (
    isInteger(width, 1, 64) && isInteger(height, 1, 64) && isInteger(cut, 0, height) && isInteger(samples, 1, 64) &&
    isInteger(digit, ClassChoice.SAMPLED, 9) && isInteger(seed, 0, Number.MAX_SAFE_INTEGER) && isTemperature(temperature) &&
    model && [model, secondModel, sha, secondSha, device].every(isText) &&
    Array.isArray(branches) && branches.length <= MAX_BRANCHES && branches.every(isBranch)
  );
}

// FNV-1a, which detects lost and changed characters.
function checksum(bytes) {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return [hash >>> 24, (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255];
}

function compressZeros(bytes) {
  const out = [];
  for (let index = 0; index < bytes.length; index++) {
    out.push(bytes[index]);
    if (bytes[index]) continue;
    const start = index;
    while (bytes[index + 1] === 0 && index - start < MAX_ZEROS - 1) index++;
    out.push(index - start + 1);
  }
  return out;
}

function expandZeros(bytes) {
  const out = [];
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index]) out.push(bytes[index]);
    else for (let zeros = bytes[++index]; zeros > 0; zeros--) out.push(0);
  }
  return Uint8Array.from(out);
}

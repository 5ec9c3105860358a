// A link's fragment: all that decides the pictures on the desk, packed small, and unpacked with suspicion.
//
// `1.` for the version, then base64url of: two bytes with the length of the settings, the settings as JSON, the ink, a byte
// a pixel, the hidden pixels, a bit each, and a checksum. Most of a drawing is paper, so a run of zeros is written as one
// zero and its length. Knows nothing of the page.

import { ANY, DRAWN } from "./takes.js";

export const VERSION = 1;
export const LONGEST = 16000; // characters; a canvas of 64 x 64 scribbled all over stays below
const FIELDS = ["width", "height", "cut", "model", "against", "samples", "temperature", "seed", "digit"];
const SHOWN_WITH = ["sha", "shaAgainst", "device", "branches"];

// What is on the desk, as a link tells it. With takes: what was asked for them, though settings may have moved since.
export function stateOf(desk) {
  const { width, height, drawing, settings, facts, takes } = desk;
  const state = { width, height, cut: drawing.cut, ink: drawing.ink, holes: drawing.holes, device: facts.device, branches: [] };
  Object.assign(state, settings, { seed: settings.seed ?? 0 });
  if (takes.length) {
    const first = takes[0], last = takes.at(-1);
    const { model, samples, temperature, seed } = first;
    const against = takes.find((take) => take.model !== model)?.model ?? "";
    const tells = (take) => take.digit !== ANY;
    Object.assign(state, { model, against, samples, temperature, seed, digit: takes.find(tells)?.digit ?? ANY });
    if (last.branches) {
      const { branches, root, rootTemperature: temperature, rootDigit: digit, seed: own, model: drawn } = last;
      Object.assign(state, { branches, samples: root + 1, temperature, model: drawn, against: "", seed: own, digit });
    }
  }
  if (state.against === state.model) state.against = "";
  const sha = (entry) => facts.models[entry]?.sha ?? "";
  return Object.assign(state, { sha: sha(state.model), shaAgainst: sha(state.against) });
}

export function packed(state) {
  const settings = new TextEncoder().encode(JSON.stringify([...FIELDS, ...SHOWN_WITH].map((name) => state[name])));
  const holes = new Uint8Array(Math.ceil(state.holes.length / 8));
  for (const [pixel, hole] of state.holes.entries()) holes[pixel >> 3] |= hole << (pixel & 7);
  const bytes = [settings.length >> 8, settings.length & 255, ...settings, ...state.ink, ...holes];
  const text = String.fromCharCode(...squeezed([...bytes, ...checksum(bytes)]));
  return `${VERSION}.${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

// The state that a fragment tells, or {fault: key of a sentence, values} for one that tells none.
export function unpacked(fragment) {
  const broken = { fault: "link.broken", values: {} };
  if (fragment.length > LONGEST) return { fault: "link.huge", values: { length: fragment.length, most: LONGEST } };
  const [, version, text] = /^(\d{1,6})\.([\w-]*)$/.exec(fragment) || [];
  if (!version) return broken;
  if (Number(version) !== VERSION) return { fault: "link.version", values: { version, here: VERSION } };
  try {
    return read(spread(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))));
  } catch {
    return broken;
  }
}

// Throws for bytes that nobody has packed.
function read(bytes) {
  const length = 256 * bytes[0] + bytes[1];
  const values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice(2, 2 + length)));
  const state = Object.fromEntries([...FIELDS, ...SHOWN_WITH].map((name, place) => [name, values[place]]));
  const size = sound(state) ? state.width * state.height : 0;
  const ink = 2 + length, holes = ink + size, end = holes + Math.ceil(size / 8);
  const own = checksum(bytes.slice(0, end));
  if (!size || bytes.length !== end + 4 || own.some((byte, place) => byte !== bytes[end + place])) throw new Error("not a link");
  state.ink = bytes.slice(ink, holes);
  state.holes = Uint8Array.from({ length: size }, (_, pixel) => (bytes[holes + (pixel >> 3)] >> (pixel & 7)) & 1);
  return state;
}

// Whether settings are such as the page makes.
function sound({ width, height, cut, model, against, samples, temperature, seed, digit, sha, shaAgainst, device, branches }) {
  const whole = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;
  const short = (value) => typeof value === "string" && value.length <= 100;
  const warm = (value) => typeof value === "number" && value > 0 && value <= 100;
  const branch = (way) => Array.isArray(way) && whole(way[0], 0, width * height) && typeof way[1] === "boolean" && warm(way[2]);
  return (
    whole(width, 1, 64) && whole(height, 1, 64) && whole(cut, 0, height) && whole(samples, 1, 64) && whole(digit, DRAWN, 9) &&
    whole(seed, 0, Number.MAX_SAFE_INTEGER) && warm(temperature) && model && [model, against, sha, shaAgainst, device].every(short) &&
    Array.isArray(branches) && branches.length <= 100 && branches.every(branch)
  );
}

// FNV-1a: a letter that got lost or changed on the way is found out.
function checksum(bytes) {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return [hash >>> 24, (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255];
}

function squeezed(bytes) {
  const out = [];
  for (let place = 0; place < bytes.length; place++) {
    out.push(bytes[place]);
    if (bytes[place]) continue;
    const start = place;
    while (bytes[place + 1] === 0 && place - start < 254) place++;
    out.push(place - start + 1);
  }
  return out;
}

function spread(bytes) {
  const out = [];
  for (let place = 0; place < bytes.length; place++) {
    if (bytes[place]) out.push(bytes[place]);
    else for (let zeros = bytes[++place]; zeros > 0; zeros--) out.push(0);
  }
  return Uint8Array.from(out);
}

// The state of the page: drawing, settings, completions, and the position of the player. All parts of the page read it and
// listen to its events:
//   "settings"         the settings or the facts of the server changed
//   "request"          a completion was requested
//   "completions"      completions arrived or grew
//   "position"         the position, the selected completion or the playing state changed
//   "moved"            the player moved on by itself. For pictures only: "position" follows for everything else, ten times a second
//   "before-position"  before both of them, so that the overlay is up to date when the canvas is painted
//   "cleared"          the completions were discarded, because the drawing changed
//   "posterior"        p(digit | pixels so far) of the selected completion arrived
//   "overlay-selected", "overlay"  another overlay was chosen; one that had to be requested is available
//   "refused"          the server refused a request; `detail` is its error, {message, code, params}
//   "files"            the user chose files of their own; `detail` is a list of them
//   "pixel-selected"   the user selected a pixel to read about it; `detail` is its number
import { Drawing } from "../canvas/drawing.js";
import { ClassChoice, isFinished, joinBranch, quantize, readAnswer } from "./completion.js";
import { branchPart, completionParts, messageOf } from "./request.js";

const MAX_KEPT = 23; // completions that stay when a branch is added
const SEEDS = 1e6; // seeds below this number are short enough to read out
export const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % SEEDS;
const DEFAULTS = {
  model: "", secondModel: "", samples: 4, temperature: 1, seed: 0, randomSeed: true, digit: ClassChoice.SAMPLED,
};

export class Store extends EventTarget {
  // send(message): requests completions in place of those that are still to come. cancel(run): cancels a request. facts: what the server has, with `models` by entry.
  // lan: whether the page is open to a class. learn: whether the server trains. weightsMb: the largest weights that the visitor can bring; 0 for none.
  constructor({ width, height, i18n, send, cancel, facts, lan = false, learn = false, weightsMb = 0 }) {
    super();
    Object.assign(this, { width, height, size: width * height, i18n, send, cancel, facts, lan, learn, weightsMb });
    this.drawing = new Drawing(width, height);
    this.settings = { ...DEFAULTS, model: facts.default };
    this.completions = [];
    this.selected = 0; // index of the completion on the canvas
    this.position = 0; // pixels shown, a real number
    this.playing = false;
    this.ended = false; // no more pixels will arrive, although the completions may be unfinished
    this.overlayName = "none";
    this.overlay = null; // {color, strength: 0..1 a pixel}
    this.pending = null; // the last request, until it is stopped or refused; answers to earlier requests are ignored
    this.drawing.addEventListener("changed", () => this.clearCompletions());
    this.drawing.attach = () => this.shownState();
    this.drawing.addEventListener("restored", (event) => this.showAgain(event.detail));
  }

  emit(name) {
    if (name === "position" || name === "moved") this.dispatchEvent(new Event("before-position"));
    this.dispatchEvent(new Event(name));
  }

  get model() {
    return this.facts.models[this.settings.model];
  }

  // The completion on the canvas.
  get completion() {
    return this.completions[this.selected];
  }

  // Steps that all completions have.
  get available() {
    return this.completions.length ? Math.min(...this.completions.map((completion) => completion.ink.length)) : 0;
  }

  // Steps of a finished completion.
  get total() {
    return this.completions.length ? Math.max(...this.completions.map((completion) => completion.order.length)) : 0;
  }

  get finished() {
    return this.completions.length > 0 && this.available === this.total;
  }

  // Whether the server still has something to do for the last request. What is shown meanwhile says nothing about that:
  // it can be the finished answer to an earlier request.
  get awaiting() {
    return this.pending !== null && !this.pending.done;
  }

  // The step at which the player stops.
  get end() {
    return this.ended ? this.available : this.total;
  }

  // Pixels shown, rounded down.
  get step() {
    return Math.floor(this.position);
  }

  // Ink as the model sees it, rounded to its levels: with two levels, black from 128 on.
  quantize(value, levels = this.model.levels) {
    return quantize(value, levels);
  }

  updateSettings(changes) {
    Object.assign(this.settings, changes);
    this.emit("settings");
  }

  selectOverlay(name) {
    this.overlayName = name;
    this.emit("overlay-selected");
    this.emit("position");
  }

  // --- requests

  // Completes the drawing. paused: the player does not start by itself. overrides: settings for this request only. kept:
  // completions that stay.
  complete({ paused = false, overrides = {}, kept = [] } = {}) {
    if (this.settings.randomSeed && !("seed" in overrides)) this.updateSettings({ seed: randomSeed() });
    this.request(completionParts(this, overrides), { paused, kept });
  }

  // Continues a completion from a step, with that pixel flipped or at another temperature, and shows both.
  branch(index, step, options) {
    this.branchFrom(this.completions[index], step, options);
  }

  branchFrom(parent, step, { flip = false, temperature = parent.temperature, playing = true } = {}) {
    const kept = this.finishedCompletions(parent);
    this.request([branchPart(parent, { step, flip, temperature })], {
      kept: kept.includes(parent) ? kept : [parent, ...kept], branch: { parent, step, flip }, paused: !playing,
    });
  }

  // The completions that stay beside a further one: the latest finished ones, and `parent`.
  finishedCompletions(parent = null) {
    return this.completions.filter((each) => each === parent || isFinished(each)).slice(-MAX_KEPT);
  }

  // Sends a request of one or more parts. kept: completions that stay; branch: where the new completion joins one of them.
  request(parts, { kept = [], branch = null, paused = false } = {}) {
    this.drawing.settle(); // the request is about the drawing as it is now
    const run = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.pending = { run, parts, kept, branch, paused, waiting: true, done: false, sentAt: performance.now() };
    this.playing = false; // the current completions stay until the first answer
    this.send({ run, parts: parts.map(messageOf) });
    this.emit("request");
  }

  // Handles a message of the server. Messages are cumulative: each contains everything that is available so far.
  receive(message) {
    if (!message || !this.pending || message.run !== this.pending.run) return;
    if (message.rejected) {
      this.fail();
      this.dispatchEvent(new CustomEvent("refused", { detail: message.error }));
      return;
    }
    const { parts, kept, branch } = this.pending;
    const received = readAnswer(message, parts);
    const added = branch ? [joinBranch(branch.parent, branch.step, branch.flip, received.at(-1))] : received;
    this.completions = [...kept, ...added];
    this.pending.done = message.parts.length === parts.length && received.every(isFinished);
    if (this.pending.waiting) this.showFirstAnswer();
    this.emit("completions");
  }

  // Nothing more comes for the last request.
  fail() {
    this.pending = null;
    this.stop();
  }

  showFirstAnswer() {
    const { branch, kept, paused, sentAt } = this.pending;
    Object.assign(this.pending, { waiting: false, latencyMs: performance.now() - sentAt });
    this.ended = false;
    this.selected = kept.length; // the first new one
    this.position = branch ? branch.step + Number(branch.flip) : 0;
    this.playing = !paused;
  }

  // Discards completions of an earlier state of the drawing, and those that are still to come.
  clearCompletions() {
    this.cancelRequest();
    this.completions = [];
    this.selected = this.position = 0;
    this.playing = false;
    this.overlay = null;
    this.emit("cleared");
  }

  cancelRequest() {
    if (this.awaiting) this.cancel(this.pending.run);
    this.pending = null;
  }

  // The completions of the present state of the drawing, to show them again when it returns; null if there are none.
  shownState() {
    const { completions, selected, position } = this;
    return completions.length ? { completions, selected, position } : null;
  }

  showAgain(state) {
    if (!state) return;
    Object.assign(this, state);
    this.ended = !this.finished;
    this.emit("completions");
    this.emit("position");
  }

  // Cancels the request and pauses the player.
  stop() {
    this.cancelRequest();
    this.ended = this.completions.length > 0 && !this.finished;
    this.playing = false;
    this.emit("position");
  }

  // Reads about a pixel, in the player.
  selectPixel(pixel) {
    this.dispatchEvent(new CustomEvent("pixel-selected", { detail: pixel }));
  }

  // --- the player

  select(index) {
    this.selected = index;
    this.emit("position");
  }

  // Shows the first `position` pixels, paused.
  seek(position) {
    this.playing = false;
    this.position = Math.min(this.available, Math.max(0, position));
    this.emit("position");
  }

  // Plays, pauses, or plays again from the start. If the temperature changed, playing continues in a branch.
  togglePlay() {
    if (!this.completions.length) return;
    const atEnd = this.position >= this.end;
    if (!this.playing && !atEnd && this.temperatureChanged) {
      this.branch(this.selected, this.step, { temperature: this.settings.temperature });
      return;
    }
    if (!this.playing && atEnd) this.position = 0;
    this.playing = !this.playing;
    this.emit("position");
  }

  // Whether the temperature setting differs from that of the completion on the canvas.
  get temperatureChanged() {
    return Boolean(this.completion) && this.completion.temperature !== this.settings.temperature;
  }
}

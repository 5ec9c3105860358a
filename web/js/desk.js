// What is on the desk: the drawing, the settings, the takes, and which moment of them is shown. All parts look here.
//
// Events: "settings", "asked", "takes" (news of a completion), "before-moment" and "moment" (position, choice or clock), "dropped",
// "lens", "overlay" (what the lens shows has come), "asked-about" (a pixel).
import { Drawing } from "./drawing.js";
import { hexOf } from "./dom.js";
import { ANY, drawingAt, DRAWN, grafted, takesOf } from "./takes.js";

const MOST_KEPT = 23; // pictures that stay beside a branch
const SEEDS = 1e6; // few enough to be read out to a neighbour
export const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % SEEDS;
const DEFAULTS = { model: "", against: "", samples: 1, temperature: 1, seed: 0, dice: true, digit: DRAWN };

export class Desk extends EventTarget {
  // send(message) asks the server to complete, halt() to stop; facts: what the server has, `models` by entry; lan: whether it
  // is open to a class.
  constructor({ width, height, words, send, halt, facts, lan = false }) {
    super();
    Object.assign(this, { width, height, size: width * height, words, send, halt, facts, lan });
    this.drawing = new Drawing(width, height);
    this.settings = { ...DEFAULTS, model: facts.default };
    this.takes = [];
    this.chosen = 0; // the take that lies on the easel
    this.position = 0; // pixels shown, a real number
    this.playing = false;
    this.ended = false; // nothing more will come, though a take may not be whole
    this.lens = "none";
    this.overlay = null; // {colour, strength: 0..1 a pixel}, what the lens shows
    this.awaited = null; // the question whose answers are taken; those of all others come too late
    this.drawing.addEventListener("changed", () => this.drop());
  }

  tell(name) {
    if (name === "moment") this.dispatchEvent(new Event("before-moment")); // the lens is ground before anything is painted
    this.dispatchEvent(new Event(name));
  }

  get model() {
    return this.facts.models[this.settings.model];
  }

  get take() {
    return this.takes[this.chosen];
  }

  // Steps of which all takes know what came of them, and steps there are.
  get ready() {
    return this.takes.length ? Math.min(...this.takes.map((take) => take.ink.length)) : 0;
  }

  get total() {
    return this.takes.length ? Math.max(...this.takes.map((take) => take.order.length)) : 0;
  }

  get whole() {
    return this.takes.length > 0 && this.ready === this.total;
  }

  get end() {
    return this.ended ? this.ready : this.total;
  }

  // The last whole step that is shown.
  get moment() {
    return Math.floor(this.position);
  }

  // What the model makes of ink: for two levels black from 128 on.
  seen(value, levels = this.model.levels) {
    return (Math.floor((value * (levels - 1)) / 255 + 0.5) * 255) / (levels - 1);
  }

  set(changes) {
    Object.assign(this.settings, changes);
    this.tell("settings");
  }

  look(lens) {
    this.lens = lens;
    this.tell("lens");
    this.tell("moment");
  }

  // --- asking

  // Fill in what is unknown of the drawing; paused, nothing is shown before somebody plays or steps. What is given `once` goes
  // before the settings, which stay as they are.
  complete({ paused = false, once = {} } = {}) {
    if (this.settings.dice && !("seed" in once)) this.set({ seed: newSeed() });
    const { ink } = this.drawing, known = this.given();
    const { samples, temperature, seed, digit, model, against } = { ...this.settings, ...once };
    const models = against && against !== model ? [model, against] : [model];
    // Beside one that cannot, a model draws no digit first either: all that differs is what they learned.
    const first = digit === DRAWN && models.some((entry) => !this.facts.models[entry].classes) ? ANY : digit;
    const parts = models.map((entry) => {
      return { ink, known, model: entry, samples, temperature, seed, digit: this.told(entry, first, known) };
    });
    this.ask(parts, { paused });
  }

  // Which pixels are known, 0 or 1 each: none at all where everything is as it was at first, for paper is no top of a digit.
  given() {
    return this.drawing.untouched ? new Uint8Array(this.size) : this.drawing.known();
  }

  // What a model can be told of a digit: one is drawn first only where all that is known comes before the rest.
  told(entry, digit, known) {
    const drawable = known.indexOf(0) > known.lastIndexOf(1);
    return this.facts.models[entry]?.classes && (digit !== DRAWN || drawable) ? digit : ANY;
  }

  // Go on from a step of a take, with that pixel the other way or at another temperature; shown beside it.
  branch(index, step, { flip = false, temperature = this.takes[index].temperature, playing = true } = {}) {
    const parent = this.takes[index];
    const { model, seed, drew, sample } = parent;
    const part = { ...drawingAt(parent, step, flip), model, samples: sample + 1, temperature, seed, digit: drew };
    const whole = (take) => take === parent || take.ink.length === take.order.length;
    const kept = this.takes.filter(whole).slice(-MOST_KEPT);
    this.ask([part], { kept: kept.includes(parent) ? kept : [parent, ...kept], graft: { parent, step, flip }, paused: !playing });
  }

  ask(parts, { kept = [], graft = null, paused = false } = {}) {
    if (this.awaited && !this.whole) this.halt();
    const run = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.awaited = { run, parts, kept, graft, paused, fresh: true, at: performance.now() };
    this.playing = false; // what is there stands still until the new comes
    this.send({
      run,
      parts: parts.map(({ ink, known, ...rest }) => ({ drawing: { ink: hexOf(ink), known: known.join("") }, ...rest })),
    });
    this.tell("asked");
  }

  // A message of the server: the whole of what is there, again and again, until it is complete.
  receive(message) {
    if (!message || !this.awaited || message.run !== this.awaited.run) return;
    if (message.refused) {
      this.awaited = null;
      return this.stop();
    }
    const { parts, kept, graft, fresh, paused } = this.awaited;
    const news = message.parts.flatMap((part, place) => {
      const asked = { ...parts[place], known: Uint8Array.from(parts[place].known) };
      asked.yours = Uint8Array.from(asked.ink, (value, pixel) => (asked.known[pixel] ? this.seen(value, part.levels) : 0));
      return takesOf(part, asked);
    });
    this.takes = graft ? [...kept, grafted(graft.parent, graft.step, graft.flip, news.at(-1))] : [...kept, ...news];
    if (fresh) {
      this.awaited.fresh = this.ended = false;
      this.awaited.waited = performance.now() - this.awaited.at;
      this.chosen = graft ? this.takes.length - 1 : 0;
      this.position = graft ? graft.step + Number(graft.flip) : 0;
      this.playing = !paused;
    }
    this.tell("takes");
  }

  // The drawing changed: what is shown, or still to come, was of another one.
  drop() {
    if (this.awaited && !this.whole) this.halt();
    this.awaited = null;
    this.takes = [];
    this.chosen = this.position = 0;
    this.playing = false;
    this.overlay = null;
    this.tell("dropped");
  }

  // The server need not go on, and the clock stands still where it is.
  stop() {
    if (this.awaited && !this.whole) this.halt();
    this.awaited = null;
    this.ended = this.takes.length > 0 && !this.whole;
    this.playing = false;
    this.tell("moment");
  }

  // --- the moment that is shown

  choose(index) {
    this.chosen = index;
    this.tell("moment");
  }

  // Show the first so many pixels, and stand still.
  go(position) {
    this.playing = false;
    this.position = Math.min(this.ready, Math.max(0, position));
    this.tell("moment");
  }

  // Play, pause, or play again from the start. After a change of temperature it goes on so, in a take of its own.
  toggle() {
    if (!this.takes.length) return;
    const ended = this.position >= this.end;
    if (!this.playing && !ended && this.warmer) {
      this.branch(this.chosen, this.moment, { temperature: this.settings.temperature });
      return;
    }
    if (!this.playing && ended) this.position = 0;
    this.playing = !this.playing;
    this.tell("moment");
  }

  // Whether the temperature was changed since the take on the easel was asked for.
  get warmer() {
    return Boolean(this.take) && this.take.temperature !== this.settings.temperature;
  }
}

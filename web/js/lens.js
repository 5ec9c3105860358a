// Lenses over the easel: what may come, how sure that is, how surprising what came was, and where the model looks.
import { make } from "./dom.js";
import { sightOf } from "./sight.js";

const COLOURS = { mean: [217, 72, 15], doubt: [95, 61, 196], surprise: [11, 114, 133], sight: [24, 100, 171] };
const NAMES = ["none", ...Object.keys(COLOURS)];
const AVERAGED = ["mean", "doubt"]; // over completions
const FEW = 4; // completions that make no mean worth looking at
const MANY = 16;
const FULL_BITS = 6; // a surprise that fills the scale

// The takes that answer the same question with the same model as the one on the easel: what a mean may be taken over.
export function fellows(desk) {
  const { take } = desk;
  return desk.takes.filter((one) => one.model === take.model && one.from === take.from && one.temperature === take.temperature);
}

// Share of ink, 0..1, that the fellows have at each pixel which is not shown yet; 0 elsewhere.
export function meanAhead(desk) {
  const mean = new Float32Array(desk.size), takes = fellows(desk);
  for (let step = desk.moment; step < Math.min(desk.ready, desk.take.order.length); step++) {
    mean[desk.take.order[step]] = takes.reduce((total, take) => total + take.ink[step], 0) / takes.length / 255;
  }
  return mean;
}

// Bits of a coin that falls on ink with probability p.
export const entropy = (p) => (p <= 0 || p >= 1 ? 0 : -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p)));

// Surprise of every pixel that is known or shown, as a share of the scale.
export function surprises(desk) {
  const { take } = desk, bits = new Float32Array(desk.size);
  take.yoursOrder.forEach((pixel, place) => (bits[pixel] = take.yoursBits[place]));
  for (let step = 0; step < desk.moment; step++) bits[take.order[step]] = take.bits[step];
  return bits.map((value) => Math.min(1, value / FULL_BITS));
}

export function startLens(desk, box) {
  const { words } = desk;
  const choose = (name) => desk.look(name);
  const row = make("div", { class: "lenses", role: "group", label: "lens" }, NAMES.map((name) =>
    make("button", { type: "button", "data-lens": name, say: `lens.${name}`, onclick: () => choose(name) }),
  ));
  const note = make("p", { class: "lens-note", "aria-live": "polite" });
  const more = make("button", { type: "button", class: "lens-more", say: "lens.more", onclick: () => {
    const { model, seed, temperature } = desk.take;
    desk.complete({ paused: true, once: { samples: MANY, model, against: "", seed, temperature } });
  } });
  const least = make("span"), ramp = make("i"), most = make("span"); // from no colour to all of it, and what the ends mean
  const scale = make("p", { class: "lens-scale" }, least, ramp, most);
  box.append(row, scale, note, more);
  let seen = null; // {key, strength}: where the model looks for one pixel

  async function show() {
    box.closest(".page").dataset.lens = desk.lens; // to be seen when the panel is closed
    for (const button of row.children) button.setAttribute("aria-pressed", button.dataset.lens === desk.lens);
    const count = desk.take ? fellows(desk).length : 0, few = AVERAGED.includes(desk.lens) && count < FEW;
    more.hidden = !few || !count;
    note.textContent = !desk.take && desk.lens !== "none"
      ? words.say("lens.nothing")
      : words.say(few ? "lens.few" : `lens.${desk.lens}_note`, { count });
    scale.hidden = !desk.take || desk.lens === "none" || few;
    if (!scale.hidden) {
      least.textContent = words.say(`lens.${desk.lens}_least`);
      most.textContent = words.say(`lens.${desk.lens}_most`, { bits: FULL_BITS });
      ramp.style.color = `rgb(${COLOURS[desk.lens]})`;
    }
    desk.overlay = desk.take ? overlay() : null;
    if (desk.lens === "sight" && desk.take && !desk.playing) await look();
  }

  function overlay() {
    const colour = COLOURS[desk.lens];
    if (AVERAGED.includes(desk.lens) && fellows(desk).length < FEW) return null;
    if (desk.lens === "mean") return { colour, strength: meanAhead(desk) };
    if (desk.lens === "doubt") return { colour, strength: meanAhead(desk).map(entropy) };
    if (desk.lens === "surprise") return { colour, strength: surprises(desk) };
    return desk.lens === "sight" && seen ? { colour, strength: seen.strength } : null;
  }

  // Ask where the model looks for the pixel that comes next, or came last; only while the clock stands.
  async function look() {
    const { take } = desk;
    const pixel = take.order[Math.min(desk.moment, take.order.length - 1)], key = `${take.model} ${pixel}`;
    if (seen?.key === key) return;
    const strength = await sightOf(take.model, pixel).catch(() => null);
    if (!strength || desk.take !== take || desk.lens !== "sight") return;
    seen = { key, strength: Float32Array.from(strength, (value) => value / 255) };
    desk.overlay = overlay();
    desk.tell("overlay");
  }

  for (const name of ["lens", "before-moment", "takes", "dropped"]) desk.addEventListener(name, show);
  words.addEventListener("changed", show);
  show();
}

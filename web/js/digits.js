// Which digit will it be? Ten bars that move while pixels appear; and how surprising the strokes and the pixels were, in bits.
import { hexOf, make, numbers } from "./dom.js";
import { ask } from "./server.js";
import { stateAt } from "./easel.js";
import { ANY, DRAWN, sum } from "./takes.js";

// p(digit | all before it) at every step of a whole take and at its end, (steps + 1) x classes, as the model itself says.
async function courseOf(take) {
  const { ink } = stateAt(take, take.ink.length);
  const whole = Uint8Array.from(take.yours, (value, pixel) => (take.known[pixel] ? value : ink[pixel]));
  const drawing = { ink: hexOf(whole), known: Array.from(take.known).join("") };
  const answer = await ask("digits", { model: take.model, drawing });
  return Float32Array.from(numbers(answer.course, 4), (value) => value / 65535);
}

export function startDigits(desk, box) {
  const { words } = desk;
  const most = Math.max(10, ...Object.values(desk.facts.models).map((model) => model.classes));
  const bars = Array.from({ length: most }, (_, digit) => make("li", { "data-digit": digit },
    make("span", { class: "digit" }, String(digit)), make("span", { class: "bar" }, make("i")), make("span", { class: "percent" })));
  const list = make("ol", { class: "bars" }, bars);
  const note = make("p", { class: "digits-note", "aria-live": "polite" });
  const yours = make("p", { class: "bits-yours" }), its = make("p", { class: "bits-model" });
  box.append(list, note, make("h3", { say: "digits.surprise" }), yours, its);
  const classesOf = (take) => desk.facts.models[take?.model]?.classes;
  const courses = new WeakMap(); // take: its course, or the sentence that says why there is none
  let asking = null; // what was last asked, so that a slow answer does not come over a newer one

  async function learn() {
    const { take } = desk;
    if (!desk.whole || take.ink.length < take.order.length || courses.has(take) || asking === take) return;
    asking = take;
    const answer = classesOf(take) ? await courseOf(take).catch((error) => error.message) : "classes";
    courses.set(take, answer);
    if (desk.take === take) show();
  }

  function show() {
    if (box.hidden) return;
    const { take } = desk;
    const course = take && courses.get(take), there = course instanceof Float32Array;
    const step = Math.min(desk.moment, take ? take.order.length : 0);
    list.classList.toggle("idle", !there);
    const classes = classesOf(take) || most;
    bars.forEach((bar, digit) => {
      const p = there ? course[classes * step + digit] : 0;
      bar.hidden = digit >= classes;
      bar.classList.toggle("lot", there && take.drew === digit);
      bar.querySelector("i").style.width = `${100 * p}%`;
      bar.querySelector(".percent").textContent = there ? `${Math.round(100 * p)} %` : "";
    });
    note.textContent = sentence(course, there);
    yours.textContent = take ? yourSentence(take) : "";
    its.textContent = take ? words.say("digits.its", { bits: sum(take.bits, step).toFixed(1), pixels: step }) : "";
    if (take && !course) learn();
  }

  function sentence(course, there) {
    if (there) return lotSentence(desk.take);
    if (course === "classes") return words.say("digits.no_classes", { model: desk.take.model });
    if (course === "silent") return words.say("about.silent");
    return course || words.say(desk.take ? "digits.wait" : "digits.nothing");
  }

  // Which digit it was told, and how that came about: by the odds of the bars at the start, at the temperature.
  function lotSentence({ digit, drew, temperature }) {
    if (drew === ANY) return "";
    const how = digit !== DRAWN ? "told" : temperature === 1 ? "lot" : "lot_at";
    return words.say(`digits.${how}`, { digit: drew, temperature });
  }

  function yourSentence(take) {
    const pixels = take.yoursOrder.length;
    if (!pixels) return words.say(take.known.includes(1) ? "digits.yours_unknown" : "digits.yours_none");
    return words.say("digits.yours", { bits: sum(take.yoursBits).toFixed(1), pixels });
  }

  for (const name of ["moment", "takes", "dropped"]) desk.addEventListener(name, show);
  words.addEventListener("changed", show);
  return { shown: show };
}

// The quiz: say how probable ink is at the next pixel before it is shown, and see who needed fewer bits, you or the model.
import { newSeed } from "./desk.js";
import { make } from "./dom.js";
import { bitsOf, GUESSES, questions, TEN } from "./questions.js";
import { ANY, black, drawingAt, DRAWN, sum } from "./takes.js";

const SAYS = ["quiz.surely_paper", "quiz.rather_paper", "quiz.no_idea", "quiz.rather_ink", "quiz.surely_ink"];
const DRAW = 0.05; // bits; nearer than that nobody has won

export function startQuiz(desk, box) {
  const { words } = desk;
  const page = box.closest(".page");
  const says = make("p", { class: "quiz-says", "aria-live": "polite" });
  const dots = make("div", { class: "quiz-dots", "aria-hidden": "true" });
  const scale = make("div", { class: "quiz-scale", role: "group", label: "quiz.scale" }, GUESSES.map((p, index) =>
    make("button", { type: "button", "data-guess": p, style: `--p: ${p}`, onclick: () => answer(index) },
      make("span", { class: "quiz-key", say: SAYS[index] }), make("small", {}, `${Math.round(100 * p)} %`)),
  ));
  const stakes = make("p", { class: "quiz-stakes", say: "quiz.stakes" });
  const bars = { you: bar("you"), model: bar("model") };
  const score = make("div", { class: "quiz-score" }, bars.you.row, bars.model.row);
  const go = make("button", { type: "button", class: "quiz-go", onclick: () => further() });
  box.append(says, dots, scale, stakes, score, go);

  // idle, waiting for a completion, asking, told the answer, over, off (the picture went away); what is asked is in `round`
  let state = "idle";
  let round = null; // {take, steps, at, yours: bits a question, models: bits a question}

  function bar(who) {
    const fill = make("span", { class: `quiz-fill quiz-${who}` }), number = make("output", { class: `quiz-bits-${who}` });
    const track = make("span", { class: "quiz-track" }, fill);
    return { row: make("div", { class: "quiz-row" }, make("span", { say: `quiz.${who}` }), track, number), fill, number };
  }

  // --- a round
  const levels = () => (desk.take || desk.model).levels;

  function start() {
    if (levels() > 2) return become("gray");
    desk.look("none"); // what a lens shows would give answers away
    const steps = desk.take && desk.whole ? questions(desk.take, desk.moment) : [];
    const seen = desk.moment > 0 && steps.length < TEN;
    if (!desk.take || seen || desk.take.digit === DRAWN) return wait(true);
    if (!desk.whole && !desk.ended) return wait(false);
    round = { take: desk.take, chosen: desk.chosen, steps: steps.length ? steps : questions(desk.take, desk.moment), at: 0, yours: [], models: [] };
    if (!round.steps.length) return become("nothing");
    ask();
    page.querySelector(".stage").scrollIntoView({ block: "nearest" });
  }

  // Until a completion is there. Of a picture that has been watched to its end a new one is asked for: who has seen the
  // answers wins; and so would the model, if it had been told what it draws.
  function wait(anew) {
    const take = desk.take;
    become("waiting");
    if (!anew) return;
    if (!take) return desk.complete({ paused: true, once: { digit: ANY } });
    const { model, temperature } = take, digit = take.digit === DRAWN ? ANY : take.digit, seed = newSeed();
    desk.ask([{ ...drawingAt(take, 0, false), model, samples: 1, temperature, seed, digit }], { paused: true });
  }

  function ask() {
    become("asking");
    desk.go(round.steps[round.at]);
    scale.children[Math.floor(GUESSES.length / 2)].focus({ preventScroll: true });
  }

  function answer(index) {
    if (state !== "asking") return;
    const { take, steps, at } = round, step = steps[at];
    round.yours.push(bitsOf(black(take.ink[step]) ? GUESSES[index] : 1 - GUESSES[index]));
    round.models.push(take.bits[step]);
    for (const [place, key] of [...scale.children].entries()) key.toggleAttribute("data-chosen", place === index);
    state = "told"; // before the pixel is shown, which is no peeping any more
    desk.go(step + 1);
    become("told");
    go.focus({ preventScroll: true });
  }

  function further() {
    if (state === "told" && round.at + 1 < round.steps.length) {
      round.at += 1;
      ask();
    } else if (state === "told") {
      become("over");
    } else if (state !== "asking") {
      start();
    }
  }

  // The picture of the round went away, or somebody looked further than the question.
  function off() {
    if (state === "asking" || state === "told") become("off");
  }

  function become(next) {
    state = next;
    if (["asking", "told"].includes(state)) page.dataset.quiz = state;
    else delete page.dataset.quiz;
    show();
  }

  // --- what is shown
  const fixed = (bits) => bits.toFixed(2);

  function sentence() {
    if (state === "asking") return words.say("quiz.ask", { number: round.at + 1, total: round.steps.length });
    if (state === "told") {
      const values = { yours: fixed(round.yours.at(-1)), models: fixed(round.models.at(-1)) };
      const what = black(round.take.ink[round.steps[round.at]]) ? "quiz.was_ink" : "quiz.was_paper";
      return words.say(what, values);
    }
    if (state === "over") {
      const yours = sum(round.yours), models = sum(round.models), by = Math.abs(yours - models);
      const who = by < DRAW ? "quiz.nobody_won" : yours < models ? "quiz.you_won" : "quiz.model_won";
      return words.say(who, { yours: fixed(yours), models: fixed(models), by: fixed(by) });
    }
    const plain = { idle: "quiz.lead", waiting: "quiz.waiting", gray: "quiz.gray", nothing: "quiz.nothing", off: "quiz.off" };
    return words.say(plain[state]);
  }

  function show() {
    box.dataset.state = state;
    const playing = ["asking", "told", "over"].includes(state);
    says.textContent = sentence();
    scale.hidden = stakes.hidden = !["asking", "told"].includes(state);
    for (const key of scale.children) key.disabled = state === "told";
    score.hidden = dots.hidden = !playing;
    go.hidden = state === "asking"; // not while waiting: should the server refuse, one can try again
    const last = state === "told" && round.at + 1 === round.steps.length;
    go.textContent = words.say(state === "told" ? (last ? "quiz.result" : "quiz.next") : ["idle", "waiting"].includes(state) ? "quiz.start" : "quiz.again");
    if (!playing) return;
    const totals = { you: sum(round.yours), model: sum(round.models) };
    const most = Math.max(totals.you, totals.model, round.steps.length);
    for (const [who, bits] of Object.entries(totals)) {
      bars[who].fill.style.width = `${(100 * bits) / most}%`;
      bars[who].number.textContent = words.say("quiz.bits", { bits: fixed(bits) });
    }
    dots.replaceChildren(...round.steps.map((_, place) => {
      const won = place < round.yours.length && (round.yours[place] < round.models[place] ? "you" : "model");
      return make("span", { "data-now": place === round.at && state !== "over", "data-won": won });
    }));
  }

  // Here digits and arrows mean the answers, not the player's pixels.
  box.addEventListener("keydown", (event) => {
    if (state !== "asking") return;
    const keys = [...scale.children], at = keys.indexOf(document.activeElement);
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) keys[Math.min(keys.length - 1, Math.max(0, at + by))].focus();
    else if (/^[1-5]$/.test(event.key)) answer(Number(event.key) - 1);
    else return;
    event.stopPropagation();
    event.preventDefault();
  });

  // --- what happens on the desk meanwhile
  desk.addEventListener("asked", off);
  desk.addEventListener("dropped", () => (state === "waiting" ? become("off") : off()));
  desk.addEventListener("takes", () => {
    if (state === "waiting" && desk.whole) start();
  });
  desk.addEventListener("moment", () => {
    if (state === "waiting" && !desk.awaited && !desk.take) become("idle"); // stopped before anything came
    if (state === "asking" && (desk.moment !== round.steps[round.at] || desk.chosen !== round.chosen)) off();
  });
  desk.addEventListener("settings", () => state === "gray" && levels() === 2 && become("idle"));
  words.addEventListener("changed", show);
  show();
  return { hidden: () => (state === "idle" ? null : become("idle")) };
}

// The quiz: the player says how probable ink is at the next pixel before it is shown. Lower total cost in bits wins, the
// player's or the model's.
import { ClassChoice, drawingAt, isInk, sum } from "../core/completion.js";
import { randomSeed } from "../core/store.js";
import { bitsOf, chooseQuestions, GUESSES, QUESTIONS } from "./questions.js";
import { makeQuizView } from "./view.js";

const TIE_BITS = 0.05; // a smaller difference is a tie
const IN_ROUND = ["asking", "answered"];

// State of the quiz:
//   idle          nothing has happened yet
//   waiting       for a completion
//   asking        a question is open
//   answered      the pixel and the cost are shown
//   finished      the result is shown
//   canceled      the picture changed during a round
//   gray          the model has more than two levels
//   no_questions  the model is certain about every pixel
class Quiz {
  constructor(store, box) {
    Object.assign(this, { store, box, page: box.closest(".page"), state: "idle" });
    this.round = null; // {completion, selected, steps, index, playerBits: a question, modelBits: a question}
    this.view = makeQuizView(box, { answer: (index) => this.answer(index), next: () => this.next() });
  }

  // The completion on the canvas, if the quiz can be about it: by a model that is set now, in ink and paper.
  get completion() {
    const { completion, settings } = this.store;
    const current = completion && [settings.model, settings.secondModel].includes(completion.model);
    return current && completion.levels === 2 ? completion : null;
  }

  // Starts a round with the completion on the canvas if it can be used, else with a new one.
  start() {
    const { store, completion } = this;
    if (!completion && store.model.levels > 2) return this.setState("gray");
    store.selectOverlay("none"); // overlays would show the answers
    const steps = completion && !store.awaiting ? chooseQuestions(completion, store.step) : [];
    const watched = store.step > 0 && steps.length < QUESTIONS;
    if (!completion || watched || completion.digit === ClassChoice.SAMPLED) return this.requestCompletion();
    if (store.awaiting && !store.ended) return this.setState("waiting");
    const questions = steps.length ? steps : chooseQuestions(completion, store.step);
    if (!questions.length) return this.setState("no_questions");
    this.round = { completion, selected: store.selected, steps: questions, index: 0, playerBits: [], modelBits: [] };
    this.ask();
    this.page.querySelector(".stage").scrollIntoView({ block: "nearest" });
  }

  // Requests a completion without a sampled digit: the model must not know more than the player. Finished ones stay.
  requestCompletion() {
    const { store, completion } = this;
    this.setState("waiting");
    if (!completion) {
      const overrides = { digit: ClassChoice.NONE, samples: 1, secondModel: "" };
      store.complete({ paused: true, overrides, kept: store.finishedCompletions() });
      return;
    }
    const { model, temperature } = completion;
    const digit = completion.digit === ClassChoice.SAMPLED ? ClassChoice.NONE : completion.digit;
    const drawing = drawingAt(completion, 0, false);
    const part = { ...drawing, model, samples: 1, temperature, seed: randomSeed(), digit };
    store.request([part], { kept: store.finishedCompletions(), paused: true });
  }

  ask() {
    this.setState("asking");
    this.store.seek(this.round.steps[this.round.index]);
    this.view.focusScale();
  }

  // index: of the guess.
  answer(index) {
    if (this.state !== "asking") return;
    const { completion, steps, index: question, playerBits, modelBits } = this.round, step = steps[question];
    playerBits.push(bitsOf(isInk(completion.ink[step]) ? GUESSES[index] : 1 - GUESSES[index]));
    modelBits.push(completion.bits[step]);
    this.view.markGuess(index);
    this.state = "answered"; // before the pixel is shown, so that moving the player does not cancel the round
    this.store.seek(step + 1);
    this.setState("answered");
    this.view.focusNext();
  }

  // The button: next question, result, or another round.
  next() {
    if (this.state === "answered" && this.round.index + 1 < this.round.steps.length) {
      this.round.index += 1;
      this.ask();
    } else if (this.state === "answered") {
      this.setState("finished");
    } else if (this.state !== "asking") {
      this.start();
    }
  }

  // Ends the round if the picture changed or the player looked at other pixels.
  cancel() {
    if (IN_ROUND.includes(this.state)) this.setState("canceled");
  }

  setState(state) {
    this.state = state;
    if (IN_ROUND.includes(state)) this.page.dataset.quiz = state;
    else delete this.page.dataset.quiz;
    this.show();
  }

  show() {
    const { t } = this, { state, round } = this;
    this.view.show({ state, round, t, text: this.text() });
  }

  t = (key, params) => this.store.i18n.t(`quiz.${key}`, params);

  text() {
    const { state, round, t } = this;
    if (state === "asking") return t("question", { number: round.index + 1, total: round.steps.length });
    if (state === "answered") {
      const key = isInk(round.completion.ink[round.steps[round.index]]) ? "was_ink" : "was_paper";
      return t(key, { yours: round.playerBits.at(-1).toFixed(2), models: round.modelBits.at(-1).toFixed(2) });
    }
    if (state === "finished") {
      const player = sum(round.playerBits), model = sum(round.modelBits), difference = Math.abs(player - model);
      const key = difference < TIE_BITS ? "tie" : player < model ? "you_won" : "model_won";
      return t(key, { yours: player.toFixed(2), models: model.toFixed(2), by: difference.toFixed(2) });
    }
    return t(state === "idle" ? "lead" : state);
  }
}

export function startQuiz(store, box) {
  const quiz = new Quiz(store, box);
  store.addEventListener("request", () => quiz.cancel());
  store.addEventListener("cleared", () => (quiz.state === "waiting" ? quiz.setState("canceled") : quiz.cancel()));
  store.addEventListener("completions", () => {
    if (quiz.state === "waiting" && !store.awaiting) quiz.start();
  });
  store.addEventListener("position", () => {
    const { state, round } = quiz;
    if (state === "waiting" && !store.pending) quiz.setState("idle"); // stopped or refused
    if (state !== "asking") return;
    if (store.step !== round.steps[round.index] || store.selected !== round.selected) quiz.cancel();
  });
  store.addEventListener("settings", () => {
    if (quiz.state === "gray" && store.model.levels === 2) quiz.setState("idle");
  });
  store.i18n.addEventListener("changed", () => quiz.show());
  quiz.show();
  return {
    hidden() {
      if (quiz.state !== "idle") quiz.setState("idle");
    },
  };
}

// The elements of the quiz: text, answer buttons, and a bar with the bits of the player and of the model.
import { sum } from "../core/completion.js";
import { make } from "../core/dom.js";
import { GUESSES } from "./questions.js";

const GUESS_NAMES = ["surely_paper", "probably_paper", "undecided", "probably_ink", "surely_ink"];

// answer(index) and next(): called by the buttons.
export function makeQuizView(box, { answer, next }) {
  const text = make("p", { class: "quiz-text", "aria-live": "polite" });
  const dots = make("div", { class: "quiz-dots", "aria-hidden": "true" });
  const guesses = GUESSES.map((p, index) => {
    const name = make("span", { class: "quiz-guess-name", i18n: `quiz.${GUESS_NAMES[index]}` });
    const attributes = { type: "button", "data-guess": p, style: `--p: ${p}`, onclick: () => answer(index) };
    return make("button", attributes, name, make("small", {}, `${Math.round(100 * p)} %`));
  });
  const scale = make("div", { class: "quiz-scale", role: "group", i18nLabel: "quiz.scale" }, guesses);
  const stakes = make("p", { class: "quiz-stakes", i18n: "quiz.stakes" });
  const bars = { you: makeBar("you"), model: makeBar("model") };
  const score = make("div", { class: "quiz-score" }, bars.you.row, bars.model.row);
  const nextButton = make("button", { type: "button", class: "quiz-next", onclick: next });
  box.append(text, dots, scale, stakes, score, nextButton);
  handleKeys(box, guesses, answer);

  function show({ state, round, t, text: message }) {
    const playing = ["asking", "answered", "finished"].includes(state);
    const last = round && round.index + 1 === round.steps.length;
    box.dataset.state = state;
    text.textContent = message;
    scale.hidden = stakes.hidden = !["asking", "answered"].includes(state);
    for (const guess of guesses) guess.disabled = state === "answered";
    score.hidden = dots.hidden = !playing;
    nextButton.hidden = state === "asking"; // but not while waiting: if the server refuses, the user can try again
    nextButton.textContent = t(nextLabel(state, last));
    if (playing) showScore(round, state, t);
  }

  function nextLabel(state, last) {
    if (state === "answered") return last ? "result" : "next";
    return ["idle", "waiting"].includes(state) ? "start" : "again";
  }

  function showScore({ steps, index, playerBits, modelBits }, state, t) {
    const totals = { you: sum(playerBits), model: sum(modelBits) };
    const max = Math.max(totals.you, totals.model, steps.length);
    for (const [name, bits] of Object.entries(totals)) {
      bars[name].fill.style.width = `${(100 * bits) / max}%`;
      bars[name].number.textContent = t("bits", { bits: bits.toFixed(2) });
    }
    dots.replaceChildren(...steps.map((_, question) => {
      const won = question < playerBits.length && (playerBits[question] < modelBits[question] ? "you" : "model");
      return make("span", { "data-current": question === index && state !== "finished", "data-won": won });
    }));
  }

  return {
    show,
    focusScale: () => guesses[Math.floor(GUESSES.length / 2)].focus({ preventScroll: true }),
    focusNext: () => nextButton.focus({ preventScroll: true }),
    markGuess: (chosen) => guesses.forEach((guess, index) => guess.toggleAttribute("data-chosen", index === chosen)),
  };
}

function makeBar(name) {
  const fill = make("span", { class: `quiz-fill quiz-${name}` }), number = make("output", { class: `quiz-bits-${name}` });
  const track = make("span", { class: "quiz-track" }, fill);
  return { row: make("div", { class: "quiz-row" }, make("span", { i18n: `quiz.${name}` }), track, number), fill, number };
}

// While a question is open, arrow and number keys choose an answer instead of moving the player.
function handleKeys(box, guesses, answer) {
  box.addEventListener("keydown", (event) => {
    if (box.dataset.state !== "asking") return;
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key], focused = guesses.indexOf(document.activeElement);
    if (move) guesses[Math.min(guesses.length - 1, Math.max(0, focused + move))].focus();
    else if (/^[1-5]$/.test(event.key)) answer(Number(event.key) - 1);
    else return;
    event.stopPropagation();
    event.preventDefault();
  });
}

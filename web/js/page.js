// The page: makes the desk and lays its parts on it. Gradio calls `start` once, with what joins the page to the server.
import { startAbout } from "./about.js";
import { startClass } from "./class.js";
import { Desk } from "./desk.js";
import { startDigits } from "./digits.js";
import { startEasel } from "./easel.js";
import { startExamples } from "./examples.js";
import { startKeeping } from "./keeping.js";
import { startKeys } from "./keys.js";
import { startLens } from "./lens.js";
import { startOpening } from "./opening.js";
import { startPanels } from "./panels.js";
import { startPlayer } from "./player.js";
import { startProjector } from "./projector.js";
import { startQuiz } from "./quiz.js";
import { ask } from "./server.js";
import { startSettings } from "./settings.js";
import { startShare } from "./share.js";
import { startSight } from "./sight.js";
import { startTour } from "./tour.js";
import { Words } from "./words.js";

const LAN = { class: startClass }; // only where the page was started for a class
const PANELS = {
  tour: startTour, examples: startExamples, settings: startSettings, lens: startLens, digits: startDigits,
  sight: startSight, quiz: startQuiz, share: startShare, about: startAbout,
};

export function start(element, props, trigger, watch) {
  const root = element.querySelector(".page");
  const words = new Words(props.words);
  const send = (message) => trigger("ask", { ...message, language: words.language }), halt = () => trigger("halt");
  const { width, height, facts, lan } = props;
  const desk = new Desk({ width, height, facts, words, send, halt, lan });
  startEasel(desk, root);
  const player = startPlayer(desk, root);
  const panels = startPanels(desk, root, lan ? { ...PANELS, ...LAN } : PANELS);
  startKeys(desk, player, panels, startProjector(root));

  const complete = root.querySelector(".complete");
  complete.addEventListener("click", () => desk.complete());
  const stop = root.querySelector(".stop");
  stop.addEventListener("click", () => desk.stop());
  const idle = () => {
    stop.disabled = !desk.playing && (!desk.awaited || desk.whole);
    complete.setAttribute("aria-busy", Boolean(desk.awaited?.fresh));
  };
  for (const name of ["asked", "takes", "moment", "dropped"]) desk.addEventListener(name, idle);
  idle();
  root.querySelector(".language").addEventListener("click", () => words.speak(words.other));
  const dress = () => {
    document.documentElement.lang = words.language;
    words.dress(root);
  };
  words.addEventListener("changed", dress);
  dress();
  watch("value", () => desk.receive(props.value));
  follow(desk).then(() => {
    startOpening(desk, root);
    startKeeping(desk);
  });
  root.desk = desk; // for tests, and for whoever looks under the hood
  root.dataset.ready = "yes";
}

// Weights may have come from the Hub since the page was built.
async function follow(desk) {
  const facts = await ask("models").catch(() => null);
  if (!facts) return;
  const first = desk.settings.model === desk.facts.default ? { model: facts.default } : {};
  desk.facts = facts;
  desk.set(first);
}

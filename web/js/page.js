// The page: makes the desk and lays its parts on it. Gradio calls `start` once, with what joins the page to the server.
import { startAbout } from "./about.js";
import { Desk } from "./desk.js";
import { startEasel } from "./easel.js";
import { startExamples } from "./examples.js";
import { startKeys } from "./keys.js";
import { startOpening } from "./opening.js";
import { startPanels } from "./panels.js";
import { startPlayer } from "./player.js";
import { ask } from "./server.js";
import { startSettings } from "./settings.js";
import { startShare } from "./share.js";
import { Words } from "./words.js";

const PANELS = { examples: startExamples, settings: startSettings, share: startShare, about: startAbout };

export function start(element, props, trigger, watch) {
  const root = element.querySelector(".page");
  const words = new Words(props.words);
  const send = (message) => trigger("ask", message), halt = () => trigger("halt");
  const desk = new Desk({ width: props.width, height: props.height, facts: props.facts, words, send, halt });
  startEasel(desk, root);
  const player = startPlayer(desk, root.querySelector(".player"));
  const panels = startPanels(desk, root, PANELS);
  const page = { project: () => root.classList.toggle("projector") };
  startKeys(desk, player, panels, page);

  root.querySelector(".complete").addEventListener("click", () => desk.complete());
  root.querySelector(".stop").addEventListener("click", () => desk.stop());
  root.querySelector(".language").addEventListener("click", () => words.speak(words.other));
  const dress = () => {
    document.documentElement.lang = words.language;
    words.dress(root);
  };
  words.addEventListener("changed", dress);
  dress();
  watch("value", () => desk.receive(props.value));
  follow(desk).then(() => startOpening(desk, root));
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

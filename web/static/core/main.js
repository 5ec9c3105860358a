// Entry point of the page: creates the store and starts all parts. Gradio calls `start` once.
import { startCanvas } from "../canvas/canvas.js";
import { startCenteringOffer } from "../canvas/centering-offer.js";
import { startClassroom } from "../classroom/classroom.js";
import { startProjector } from "../classroom/projector.js";
import { startLearn } from "../learn/learn.js";
import { startAbout } from "../panels/about.js";
import { startAnatomy, watchSelection } from "../panels/anatomy.js";
import { startDigits } from "../panels/digits.js";
import { startLadder } from "../panels/ladder.js";
import { startMemory, watchMemory } from "../panels/memory.js";
import { startOverlay } from "../panels/overlay.js";
import { startPanels } from "../panels/panels.js";
import { startReceptiveField } from "../panels/receptive-field.js";
import { startSettings } from "../panels/settings.js";
import { startDigitBars } from "../player/digit-bars.js";
import { startNextPixel } from "../player/next-pixel.js";
import { startPlayer } from "../player/player.js";
import { startQuiz } from "../quiz/quiz.js";
import { startExamples, startStarters } from "../share/examples.js";
import { startFirstVisit } from "../share/first-visit.js";
import { startPersistence } from "../share/persistence.js";
import { startRestoreLink } from "../share/restore-link.js";
import { startShare } from "../share/share.js";
import { startTour } from "../tour/tour.js";
import { startOwnFiles } from "../uploads/own-files.js";
import { startOwnFilesPanel } from "../uploads/own-files-panel.js";
import { fetchJson } from "./api.js";
import { reportReconnection, watchConnection } from "./connection.js";
import { listen } from "./dom.js";
import { I18n } from "./i18n.js";
import { startKeyboard } from "./keyboard.js";
import { startNotice } from "./notice.js";
import { Store } from "./store.js";

// The panels by what people want. The last group also has the button of the projector mode.
const PANEL_GROUPS = {
  start: { tour: startTour, examples: startExamples, own_files: startOwnFilesPanel },
  explore: {
    anatomy: startAnatomy, ladder: startLadder, overlay: startOverlay, digits: startDigits, receptive_field: startReceptiveField,
    memory: startMemory,
  },
  play: { quiz: startQuiz, learn: startLearn },
  class: { classroom: startClassroom, share: startShare },
  more: { settings: startSettings, about: startAbout },
};

// element: contains index.html. props: what web/page.py passes. trigger(event, data) and watch(prop, callback): Gradio's.
export function start(element, props, trigger, watch) {
  const root = element.querySelector(".page");
  const i18n = new I18n(props.texts);
  const { width, height, facts, lan, learn, weights_mb: weightsMb } = props;
  const send = (message) => trigger("complete", { ...message, language: i18n.language });
  const cancel = (run) => trigger("cancel", { run });
  const store = new Store({ width, height, facts, i18n, send, cancel, lan, learn, weightsMb });
  startCanvas(store, root);
  startCenteringOffer(store, root);
  const player = startPlayer(store, root);
  startDigitBars(store, root);
  startNextPixel(store, root);
  startStarters(store, root);
  const absent = [lan ? "" : "classroom", learn ? "" : "learn"]; // the page is not open to a class, the server does not train
  const panels = startPanels(store, root, PANEL_GROUPS, absent);
  watchSelection(store, panels);
  watchMemory(store, root, panels);
  startKeyboard({ store, player, panels, projector: startProjector(root) });
  startButtons(store, root);
  startLanguage(i18n, root);
  const notice = startNotice(store, root);
  startOwnFiles(store, root, notice);
  watchConnection(store, root, { notice, panels });
  watch("value", () => store.receive(props.value));
  updateFacts(store).then(() => {
    startRestoreLink(store, root);
    startPersistence(store);
    reportReconnection(store, { notice, panels });
    startFirstVisit(store, root);
  });
  root.store = store; // for tests and for the browser's console
  root.dataset.ready = "yes";
}

function startButtons(store, root) {
  const complete = root.querySelector(".complete"), stop = root.querySelector(".stop");
  complete.addEventListener("click", () => store.complete());
  stop.addEventListener("click", () => store.stop());
  const update = () => {
    stop.disabled = !store.playing && !store.awaiting;
    complete.setAttribute("aria-busy", Boolean(store.pending?.waiting));
  };
  listen(store, ["request", "completions", "position", "cleared"], update);
  update();
}

function startLanguage(i18n, root) {
  root.querySelector(".language").addEventListener("click", () => i18n.setLanguage(i18n.nextLanguage));
  const update = () => {
    document.documentElement.lang = i18n.language;
    i18n.applyTranslations(root);
  };
  i18n.addEventListener("changed", update);
  update();
}

// The list of models may have changed since the page was built, when weights arrive from the Hub.
async function updateFacts(store) {
  const facts = await fetchJson("models").catch(() => null);
  if (!facts) return;
  const changes = store.settings.model === store.facts.default ? { model: facts.default } : {};
  store.facts = facts;
  store.updateSettings(changes);
}

// On the first visit an example plays by itself, once. It stops at the first input: on the canvas or its tools the page
// is then empty again; anywhere else the example stays, as if the visitor had chosen it. Once all its pixels are shown, the tops of
// the empty gallery come below its pictures.
import { listen, reducedMotion } from "../core/dom.js";
import { readStorage, writeStorage } from "../core/storage.js";
import { drawingOf, kindOf } from "./example-button.js";
import { EXAMPLES } from "./examples-data.js";

const PLAYED_KEY = "pixelcnn.example-played";
const SETTINGS = { samples: 4, seed: 5 }; // of the example only
const EMPTYING = ".stage, .tools"; // where an input means a drawing of one's own

// Call it once a link or the drawing of an earlier visit is restored.
export function startFirstVisit(store, root) {
  const { drawing } = store;
  const fresh = drawing.untouched && !store.pending && !store.completions.length && location.hash.length < 2;
  if (!fresh || reducedMotion() || readStorage("localStorage", PLAYED_KEY)) return;
  writeStorage("localStorage", PLAYED_KEY, "yes");
  const invitation = root.querySelector(".invitation"), ended = new AbortController(), { signal } = ended;
  const initial = drawing.state();
  let own = false; // whether this module changes the page

  // Replaces the drawing, without a step that could be undone.
  function show(state) {
    own = true;
    Object.assign(drawing, { ink: state.ink.slice(), hidden: state.hidden.slice(), cut: state.cut });
    drawing.resumeHistory();
    own = false;
  }

  function end(event) {
    if (own) return;
    ended.abort();
    invitation.hidden = true;
    if (event?.target instanceof Element && event.target.closest(EMPTYING)) show(initial);
  }

  function update() {
    const done = store.finished && store.position >= store.end;
    invitation.textContent = store.i18n.t(done ? "first_visit.done" : "first_visit.playing");
    invitation.dataset.done = done ? "yes" : "";
  }

  show(drawingOf(EXAMPLES.find((example) => kindOf(example) === "ambiguous"), store));
  own = true;
  store.complete({ overrides: SETTINGS });
  own = false;
  invitation.hidden = false;
  offerStarters(store, root);
  listen(document, ["pointerdown", "keydown", "focusin"], end, { capture: true, signal });
  listen(store, ["request", "settings", "cleared", "refused"], () => end(), { signal });
  listen(store, ["position", "completions"], update, { signal });
  store.i18n.addEventListener("changed", update, { signal });
  update();
}

// Shows the tops below the finished pictures until others are requested.
function offerStarters(store, root) {
  const withdrawn = new AbortController(), { signal } = withdrawn;
  const withdraw = () => {
    withdrawn.abort();
    root.classList.remove("with-starters");
  };
  const offer = () => store.finished && store.position >= store.end && root.classList.add("with-starters");
  listen(store, ["position"], offer, { signal });
  listen(store, ["request", "cleared"], withdraw, { signal });
}

// A link that is opened: its drawing and settings come onto the desk, its pictures are drawn again, and what differs here from
// where it was made is said in a sentence. A fragment that is no link is said to be none, and the page stays as it is.
import { make } from "./dom.js";
import { unpacked } from "./link.js";
import { ANY } from "./takes.js";

export function startOpening(desk, root) {
  const { words } = desk;
  const note = make("p", { class: "link-note", role: "status" });
  root.querySelector("header").after(note);
  let said = null; // [key, values] of the sentence that stands there

  function say(...sentence) {
    said = sentence.length ? sentence : null;
    note.textContent = said ? words.say(...said) : "";
  }

  function open() {
    const fragment = location.hash.slice(1);
    if (!fragment || document.getElementById(fragment)) return; // none, or a place on the page
    const state = unpacked(fragment);
    const { width, height } = desk;
    if (state.fault) say(state.fault, state.values);
    else if (state.width !== width || state.height !== height) {
      say("link.size", { size: `${state.width} x ${state.height}`, here: `${width} x ${height}` });
    } else restore(state);
  }

  function restore(state) {
    const missing = [state.model, state.against].find((entry) => entry && !desk.facts.models[entry]);
    const has = (entry, other) => (desk.facts.models[entry] ? entry : other);
    const model = has(state.model, desk.facts.default), against = has(state.against, "");
    const digit = missing && !desk.facts.models[model].classes ? ANY : state.digit;
    const { samples, temperature, seed } = state;
    desk.drawing.lay(state);
    desk.set({ model, against, samples, temperature, seed, digit, dice: false });
    const differences = missing ? [] : differ(state);
    if (missing) say("link.missing", { model: missing, here: model });
    else if (differences.length) say("link.differs", { what: differences.join(", ") });
    else say();
    desk.complete();
    if (!missing) follow(state.branches);
  }

  // What is not here as it was where the link was made.
  function differ(state) {
    const pairs = [[state.model, state.sha], [state.against, state.shaAgainst]];
    const out = pairs
      .filter(([entry, there]) => entry && (!there || there !== desk.facts.models[entry].sha))
      .map(([entry, there]) => {
        const unknown = words.say("link.unlisted");
        return words.say("link.weights", { model: entry, there: there || unknown, here: desk.facts.models[entry].sha || unknown });
      });
    if (state.device === desk.facts.device) return out;
    return [...out, words.say("link.device", { there: words.named(state.device), here: words.named(desk.facts.device) })];
  }

  // Take the same turns: each branch leaves the last take once that is whole. Anybody who asks for something else ends it.
  async function follow(branches) {
    for (const [step, flip, temperature] of branches) {
      const asked = desk.awaited;
      const settled = () => desk.awaited !== asked || (!asked.fresh && desk.whole);
      await news(desk, settled);
      if (desk.awaited !== asked || step >= desk.total) return;
      desk.set({ temperature });
      desk.branch(desk.takes.length - 1, step, { flip, temperature });
    }
  }

  desk.drawing.addEventListener("changed", () => say());
  words.addEventListener("changed", () => said && say(...said));
  window.addEventListener("hashchange", open);
  open();
}

const news = (desk, settled) =>
  new Promise((resolve) => {
    const look = () => {
      if (!settled()) return;
      for (const name of ["takes", "asked", "dropped"]) desk.removeEventListener(name, look);
      resolve();
    };
    for (const name of ["takes", "asked", "dropped"]) desk.addEventListener(name, look);
    look();
  });

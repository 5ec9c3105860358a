// The guided tour: three levels of short steps that point at the real controls of the page and, when asked, work them.
//
// The panel offers the levels. A tour then is a card that floats beside what it speaks of, and a ring around that; neither
// takes a click meant for the page, and everything on it can be used meanwhile.
import { make } from "./dom.js";
import { Hands } from "./hands.js";
import { LEVELS, stepsOf } from "./steps.js";

const ON_MS = 2200; // after a step is done, so that one sees what it did
const GAP = 14, EDGE = 8; // px, between card and control, and to the edge of the window
const NEWS = ["settings", "asked", "takes", "moment", "dropped"]; // of the desk
const DEEDS = ["input", "click", "pointerup", "keyup"]; // of a person, anywhere on the page

export function startTour(desk, box) {
  const root = box.closest(".page");
  let leave = () => {};
  box.append(make("p", { say: "tour.lead" }), make("div", { class: "tour-levels" }, Object.keys(LEVELS).map((level) => {
    const begin = () => {
      leave();
      root.querySelector("[data-panel=tour]").click(); // its place is needed for what the tour opens
      leave = tour(level, desk, root);
    };
    const about = [make("b", { say: `tour.${level}` }), make("span", { say: `tour.${level}_about` })];
    return make("button", { type: "button", class: "tour-level", "data-level": level, onclick: begin }, about);
  })));
}

// Begins a tour; what it returns ends it.
function tour(level, desk, root) {
  const steps = stepsOf(level, desk, root);
  const settings = { ...desk.settings }, speed = root.querySelector(".speed").value;
  const over = new AbortController(); // aborted when the tour is left
  let at = 0;
  let before = null; // how things were when the step began
  let was = false; // done already, the last time somebody looked
  let shown = null; // aborts what is being shown
  let pointed = null; // the control that the ring is around
  let clock = 0;

  const count = make("span", { class: "tour-count" });
  const text = make("p", { class: "tour-text", "aria-live": "polite" });
  const button = (name, act) => make("button", { type: "button", class: `tour-${name}`, say: `tour.${name}`, onclick: act });
  const back = button("back", () => to(at - 1)), show = button("show", act), next = button("next", () => to(at + 1));
  const bye = make("button", { type: "button", class: "tour-leave", label: "tour.leave", onclick: leave }, "×");
  const head = make("div", { class: "tour-head" }, make("b", { say: `tour.${level}` }), count, bye);
  const card = make("section", { class: "tour-card", label: "tour" }, head, text, make("div", { class: "tour-keys" }, back, show, next));
  const ring = make("div", { class: "tour-ring", "aria-hidden": "true", hidden: true });
  root.append(ring, card);

  function to(place) {
    still();
    if (place > steps.length) return leave();
    at = Math.max(0, place);
    const step = steps[at];
    before = { moment: desk.moment, chosen: desk.chosen, cut: desk.drawing.cut, temperature: desk.settings.temperature };
    was = Boolean(step?.done(desk, before, root));
    delete card.dataset.done;
    card.dataset.step = step ? step.name : "end";
    text.dataset.say = step ? `tour.${level}.${step.name}` : "tour.end";
    count.textContent = step ? `${at + 1} / ${steps.length}` : "";
    next.dataset.say = step ? "tour.next" : "close";
    back.disabled = at === 0;
    show.hidden = !step;
    desk.words.dress(card);
    if (card.contains(document.activeElement) && (document.activeElement.disabled || show.hidden)) next.focus({ preventScroll: true });
    pointed = null;
    lay();
  }

  // Nothing is shown any more, and nothing goes on by itself.
  function still() {
    clearTimeout(clock);
    shown?.abort();
    shown = null;
    delete card.dataset.busy;
  }

  // "Show me": do it for the person, with what they would use.
  async function act() {
    still();
    const mine = (shown = new AbortController());
    card.dataset.busy = "yes";
    try {
      await steps[at].show(new Hands(desk, root, mine.signal));
    } catch (error) {
      if (!mine.signal.aborted) throw error;
    } finally {
      if (shown === mine) {
        shown = null;
        delete card.dataset.busy;
        was = false;
        look();
        pointed = null; // what was done may have moved it out of sight
        soon();
      }
    }
  }

  // Has the person done it? Then go on by itself, in a moment.
  function look() {
    const step = steps[at];
    if (!step || shown) return;
    const done = Boolean(step.done(desk, before, root));
    if (done && !was && !("done" in card.dataset)) {
      card.dataset.done = "yes";
      clock = setTimeout(() => to(at + 1), ON_MS);
    }
    was = done;
  }

  function leave() {
    if (over.signal.aborted) return;
    over.abort();
    still();
    watch.disconnect();
    const inside = card.contains(document.activeElement);
    card.remove();
    ring.remove();
    // Whoever comes next finds the settings as they were: a seed that stays the same or a slow clock is hard to find again.
    desk.set(settings);
    Object.assign(root.querySelector(".speed"), { value: speed }).dispatchEvent(new Event("input"));
    if (inside) root.querySelector("[data-panel=tour]").focus();
  }

  // --- where things lie
  function target() {
    const step = steps[at];
    const seen = (selector) => {
      const node = selector && root.querySelector(selector);
      return node?.getClientRects().length ? node : null;
    };
    return step && (seen(step.at) || seen(step.panel && `[data-panel=${step.panel}]`) || seen(".playing"));
  }

  // The control into what is free of the window, should it be outside, and no further: what it acts on may be above.
  function bring(node) {
    const { top, bottom } = node.getBoundingClientRect(), room = 3 * EDGE, free = freeOf(node);
    const below = Math.min(bottom - free.bottom + room, top - free.top - room), above = top - free.top - room;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (below > 0 || above < 0) scrollBy({ top: below > 0 ? below : above, behavior: still ? "auto" : "smooth" });
  }

  // On a small screen the canvas above and the player below stay in view, over whatever is scrolled behind them.
  function freeOf(node) {
    const free = { top: 0, bottom: innerHeight };
    if (!matchMedia("(max-width: 999px)").matches) return free;
    for (const name of [".stage", ".go", ".playing"]) {
      const over = root.querySelector(name), lies = over.getBoundingClientRect();
      if (over.contains(node) || getComputedStyle(over).position !== "sticky") continue;
      if (lies.top < innerHeight / 3) free.top = Math.max(free.top, lies.bottom);
      else if (lies.bottom > innerHeight - EDGE) free.bottom = Math.min(free.bottom, lies.top);
    }
    return free.bottom - free.top > 100 ? free : { top: 0, bottom: innerHeight }; // on its side they stand beside the rest
  }

  // Ring and card where the control is now. The card takes the place, beside it or in a corner, where it covers least of what
  // one wants to see.
  function lay() {
    const node = target(), { width, height } = card.getBoundingClientRect();
    if (node && node !== pointed) bring(node);
    pointed = node;
    const lies = node ? node.getBoundingClientRect() : new DOMRect(innerWidth / 2, innerHeight, 0, 0);
    ring.hidden = !node;
    Object.assign(ring.style, px({ left: lies.x - 6, top: lies.y - 6, width: lies.width + 12, height: lies.height + 12 }));
    const middle = { x: lies.x + (lies.width - width) / 2, y: lies.y + (lies.height - height) / 2 };
    const places = [
      [lies.right + GAP, middle.y], [lies.x - width - GAP, middle.y], [middle.x, lies.bottom + GAP], [middle.x, lies.y - height - GAP],
      [innerWidth, innerHeight], [0, innerHeight], [innerWidth, 0], [0, 0],
    ].map(([x, y]) => new DOMRect(within(x, innerWidth - width), within(y, innerHeight - height), width, height));
    const dear = [[lies, 100], ...[[".stage", 10], [".deck", 4], [".odds", 4], [".go", 3], [".tiles", 3]].map(([name, worth]) =>
      [root.querySelector(name).getBoundingClientRect(), worth])];
    const cost = (place) => dear.reduce((total, [rect, worth]) => total + worth * overlap(place, rect), 0);
    const best = places.reduce((least, place) => (cost(place) < cost(least) ? place : least));
    Object.assign(card.style, px({ left: best.x, top: best.y }));
  }

  let due = 0;
  const soon = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      if (!over.signal.aborted) lay();
    });
  };
  const news = () => {
    look();
    soon();
  };
  const until = { signal: over.signal };
  for (const name of NEWS) desk.addEventListener(name, news, until);
  for (const name of DEEDS) root.addEventListener(name, news, until);
  for (const name of ["scroll", "resize"]) addEventListener(name, soon, { ...until, capture: true, passive: true });
  const watch = new ResizeObserver(soon);
  watch.observe(root);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it leaves the tour, and closes no panel
    leave();
  }, { ...until, capture: true });

  to(0);
  show.focus({ preventScroll: true });
  return leave;
}

const within = (value, most) => Math.max(EDGE, Math.min(most - EDGE, value));
const px = (numbers) => Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, `${value}px`]));
const overlap = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.y, b.y));

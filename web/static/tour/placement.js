// Where the tour's card and ring are placed.
import { narrowScreen, reducedMotion } from "../core/dom.js";

const GAP = 14, EDGE = 8; // px between card and control, and to the edge of the window
const RING = 6; // px between control and ring
const MIN_FREE_HEIGHT = 100; // px
const MIN_CARD_HEIGHT = 120; // px; a lower card could not be read

// How much it matters that the card does not cover an element, per square pixel; the control itself counts TARGET_WEIGHT.
const WEIGHTS = { ".stage": 10, ".transport": 4, ".probability": 4, ".actions": 3, ".tiles": 3 };
const TARGET_WEIGHT = 100;

const clamp = (value, max) => Math.max(EDGE, Math.min(max - EDGE, value));
const px = (numbers) => Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, `${value}px`]));
const overlap = (a, b) => {
  const width = Math.min(a.right, b.right) - Math.max(a.x, b.x), height = Math.min(a.bottom, b.bottom) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
};

// Scrolls a control into the free part of the window, as little as possible.
export function scrollToTarget(node, root) {
  const { top, bottom } = node.getBoundingClientRect(), margin = 3 * EDGE, free = freeSpace(node, root);
  const above = top - free.top - margin, below = Math.min(bottom - free.bottom + margin, above);
  if (below > 0 || above < 0) scrollBy({ top: below > 0 ? below : above, behavior: reducedMotion() ? "auto" : "smooth" });
}

// The part of the window that sticky elements do not cover: {top, bottom}. On a small screen the canvas sticks to the top
// and the player to the bottom.
function freeSpace(node, root) {
  const whole = { top: 0, bottom: innerHeight }, free = { ...whole };
  if (!narrowScreen()) return whole;
  for (const name of [".stage", ".actions", ".player"]) {
    const element = root.querySelector(name), box = element.getBoundingClientRect();
    if (element.contains(node) || getComputedStyle(element).position !== "sticky") continue;
    if (box.top < innerHeight / 3) free.top = Math.max(free.top, box.bottom);
    else if (box.bottom > innerHeight - EDGE) free.bottom = Math.min(free.bottom, box.top);
  }
  return free.bottom - free.top > MIN_FREE_HEIGHT ? free : whole; // in landscape they are beside the rest
}

// Places the ring around the control, and the card beside it or in a corner, where it covers least.
export function placeCard(card, ring, target, root) {
  const box = target ? target.getBoundingClientRect() : new DOMRect(innerWidth / 2, innerHeight, 0, 0);
  ring.hidden = !target;
  const outer = { left: box.x - RING, top: box.y - RING, width: box.width + 2 * RING, height: box.height + 2 * RING };
  Object.assign(ring.style, px(outer));
  card.style.maxHeight = "";
  const best = bestPlace(card, box, root);
  if (overlap(best, box) > 0) moveOff(card, box, best);
  Object.assign(card.style, px({ left: best.x, top: best.y }));
}

// Above or below the control, where there is more room. The card is then lower than its text, which can be scrolled.
function moveOff(card, box, place) {
  const above = box.y - GAP - EDGE, below = innerHeight - box.bottom - GAP - EDGE, room = Math.max(above, below);
  if (room < MIN_CARD_HEIGHT) return;
  const height = Math.min(place.height, room);
  card.style.maxHeight = `${height}px`;
  place.y = below >= above ? box.bottom + GAP : box.y - GAP - height;
  place.height = height;
}

function bestPlace(card, box, root) {
  const { width, height } = card.getBoundingClientRect();
  const middleX = box.x + (box.width - width) / 2, middleY = box.y + (box.height - height) / 2;
  const candidates = [
    [box.right + GAP, middleY], [box.x - width - GAP, middleY],
    [middleX, box.bottom + GAP], [middleX, box.y - height - GAP],
    [innerWidth, innerHeight], [0, innerHeight], [innerWidth, 0], [0, 0],
  ].map(([x, y]) => new DOMRect(clamp(x, innerWidth - width), clamp(y, innerHeight - height), width, height));
  const boxOf = (selector) => root.querySelector(selector).getBoundingClientRect();
  const weights = Object.entries(WEIGHTS).map(([selector, weight]) => [boxOf(selector), weight]);
  const covered = [[box, TARGET_WEIGHT], ...weights];
  const cost = (place) => covered.reduce((total, [rect, weight]) => total + weight * overlap(place, rect), 0);
  return candidates.reduce((least, place) => (cost(place) < cost(least) ? place : least));
}

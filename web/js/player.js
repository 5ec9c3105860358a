// The player. Takes arrive in lumps, as fast as the server makes them; pixels are inked one by one on the browser's clock.
import { make } from "./dom.js";
import { paintPixels, stateAt } from "./easel.js";
import { ANY, black, inkOdds, retempered } from "./takes.js";

const PATIENCE_MS = 20000; // with no word from the server for so long, what is there is all there will be
const AT_ONCE = 100; // of the slider; 0..99 is 1 to 2000 pixels a second, evenly in ratio

export function startPlayer(desk, root) {
  const { width, height, words } = desk;
  const [tiles, scrub, speed, facts] = ["tiles", "scrub", "speed", "facts"].map((name) => root.querySelector(`.${name}`));
  const [toggle, back, step] = ["toggle", "back", "step"].map((name) => root.querySelector(`.${name}`));
  const reading = root.querySelector(".reading"), odds = root.querySelector(".odds"), spoken = root.querySelector(".player-spoken");
  let frame = 0, before = 0, heard = 0;
  let awaiting = false; // nothing of what was asked for last has come
  let asked = null; // the step that somebody wants to know about, or a pixel of their own
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) speed.value = AT_ONCE;

  const pixelsPerSecond = () => Math.pow(2000, speed.value / 99);
  const pace = root.querySelector(".pace-said");
  function showPace() {
    const fast = pixelsPerSecond(), pixels = fast < 10 ? fast.toFixed(1) : Math.round(fast);
    pace.textContent = words.say(speed.value >= AT_ONCE ? "player.at_once" : "player.pace", { pixels });
    speed.setAttribute("aria-valuetext", pace.textContent);
  }

  function run() {
    if (!frame) {
      before = performance.now();
      frame = requestAnimationFrame(tick);
    }
  }

  function tick(now) {
    const elapsed = Math.min(0.1, Math.max(0, now - before) / 1000); // a frame's time can lie before the clock's
    before = now;
    if (desk.playing) {
      const further = speed.value >= AT_ONCE ? desk.ready : desk.position + elapsed * pixelsPerSecond();
      desk.position = Math.min(desk.ready, further);
    }
    if (desk.takes.length && desk.position >= desk.ready && now - heard > PATIENCE_MS) desk.ended = true;
    if (desk.playing && desk.position >= desk.end) {
      desk.playing = false;
      spoken.textContent = words.say(desk.position >= desk.total ? "player.finished" : "player.broken");
    }
    desk.tell("moment");
    frame = desk.playing ? requestAnimationFrame(tick) : 0;
  }

  // --- what is shown
  function show() {
    root.dataset.takes = desk.takes.length > 1 ? "many" : desk.takes.length;
    if (!desk.takes.length) return showNothing();
    if (tiles.children.length !== desk.takes.length) layTiles();
    desk.takes.forEach((take, index) => index < tiles.children.length && paintTile(tiles.children[index], take, index));
    const running = desk.position < desk.end;
    scrub.max = desk.total;
    scrub.value = desk.moment;
    scrub.setAttribute("aria-valuetext", pixelOf());
    toggle.textContent = desk.playing ? "❚❚" : running ? "▶" : "↻";
    toggle.setAttribute("aria-label", words.say(`player.${desk.playing ? "pause" : running ? "play" : "replay"}`));
    facts.textContent = said().join(" · ");
    showOdds(running);
    showReading();
  }

  function showNothing() {
    tiles.replaceChildren();
    odds.hidden = reading.hidden = true;
    facts.textContent = "";
    scrub.value = 0;
    toggle.textContent = "▶";
    toggle.setAttribute("aria-label", words.say("player.play"));
  }

  const several = () => new Set(desk.takes.map((take) => take.model)).size > 1;

  function layTiles() {
    const count = desk.takes.length, rows = several() && count === 8; // four of each of two models: a row of each
    tiles.replaceChildren(...desk.takes.map((_, index) => tile(index)));
    tiles.dataset.count = rows ? 4 : count;
    tiles.style.gridTemplateColumns = `repeat(${rows ? 4 : Math.ceil(Math.sqrt(count))}, 1fr)`;
  }

  // Several that come beside or below the easel may be out of view; on a small screen what is read in a panel stays.
  function bringTiles() {
    show();
    if (matchMedia("(min-width: 1000px)").matches || !root.classList.contains("with-panel")) tiles.scrollIntoView({ block: "nearest" });
  }

  function tile(index) {
    const canvas = make("canvas", { width, height });
    const caption = make("span", { class: "caption" });
    const choose = () => desk.choose(index);
    return make("button", { type: "button", class: "tile", onclick: choose }, canvas, caption);
  }

  function paintTile(button, take, index) {
    const name = words.say("player.sample", { number: index + 1 });
    const whence = take.from ? words.say("player.branch", { pixel: take.from + 1 }) : several() ? take.model : "";
    const about = [take.drew === ANY ? "" : `→ ${take.drew}`, whence].filter(Boolean).join(" · ");
    const label = [name, about].filter(Boolean).join(", "), pressed = String(index === desk.chosen);
    // Sixty times a second, so only what is new.
    if (button.getAttribute("aria-label") !== label) {
      button.setAttribute("aria-label", label);
      button.querySelector(".caption").textContent = about.replaceAll("_", "_\u200b"); // a line may end there
    }
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    const state = stateAt(take, desk.moment, { still: desk.position >= desk.end });
    paintPixels(button.querySelector("canvas").getContext("2d"), {
      width, height,
      mine: (pixel) => take.known[pixel],
      level: (pixel) => (take.known[pixel] ? take.yours[pixel] : state.ink[pixel]),
      heat: (pixel) => state.heat[pixel],
    });
  }

  const pixelOf = () => words.say("player.pixel_of", { pixel: desk.moment, total: desk.total });
  const colour = (take, ink) => {
    if (take.levels > 2) return words.say("player.gray", { level: ink });
    return words.say(black(ink) ? "player.ink" : "player.paper");
  };

  // What is said of this moment, the weightiest first.
  function said() {
    const take = desk.take, until = desk.moment, parts = [pixelOf()];
    if (take.drew !== ANY) parts.unshift(words.say("player.drew", { digit: take.drew }));
    if (until > 0 && until < desk.total && until <= take.given.length) {
      const percent = (100 * take.given[until - 1]).toFixed(0);
      parts.push(words.say("player.given", { percent, colour: colour(take, take.ink[until - 1]) }));
    }
    if (until === desk.total && take.nats !== null) parts.push(words.say("player.nats", { nats: take.nats.toFixed(1) }));
    parts.push(`${take.model}, ${words.say("player.seed")} ${take.seed}`);
    return parts;
  }

  // The next pixel's probability of ink, as a number and a bar, at the temperature that is set now.
  function showOdds(running) {
    const take = desk.take, p = running ? inkOdds(take, desk.moment) : NaN;
    odds.hidden = Number.isNaN(p);
    if (odds.hidden) {
      odds.querySelector(".odds-text").textContent = "";
      return;
    }
    const temperature = desk.settings.temperature;
    const shown = desk.warmer ? retempered(p, take.temperature, temperature) : p;
    const percent = (100 * shown).toFixed(1);
    odds.querySelector(".odds-bar").style.width = `${100 * shown}%`;
    odds.querySelector(".odds-text").textContent = words.say(desk.warmer ? "player.next_at" : "player.next", { percent, temperature });
  }

  // --- a pixel that somebody asked about
  function showReading() {
    const take = desk.take;
    const place = asked === null ? -1 : take.order.indexOf(asked);
    const mine = asked !== null && place < 0 ? take.yoursOrder.indexOf(asked) : -1;
    reading.hidden = asked === null || (mine < 0 && (place < 0 || place >= desk.moment));
    if (reading.hidden) return;
    const [row, column] = [Math.floor(asked / width) + 1, (asked % width) + 1];
    const bits = (mine < 0 ? take.bits[place] : take.yoursBits[mine]).toFixed(2);
    const text = reading.querySelector(".reading-text"), flip = reading.querySelector(".flip");
    flip.hidden = mine >= 0;
    if (mine >= 0) {
      const percent = (100 * 2 ** -take.yoursBits[mine]).toFixed(1);
      text.textContent = words.say("player.read_yours", { row, column, percent, bits });
    } else {
      const p = inkOdds(take, place), gray = Number.isNaN(p);
      const percent = (100 * (gray ? take.given[place] : p)).toFixed(1);
      const values = { row, column, percent, bits, colour: colour(take, take.ink[place]) };
      text.textContent = words.say(gray ? "player.read_gray" : "player.read", values);
    }
  }

  // Flip a pixel of the model's and go on from there, beside what was: the one asked about, or the last that was shown.
  function flip() {
    if (!desk.take) return;
    const place = asked === null ? desk.moment - 1 : desk.take.order.indexOf(asked);
    if (place < 0 || place >= desk.take.ink.length) return;
    asked = null;
    desk.branch(desk.chosen, place, { flip: true });
  }

  // --- wiring
  toggle.addEventListener("click", () => (desk.takes.length ? desk.toggle() : desk.complete()));
  step.addEventListener("click", () => forward());
  back.addEventListener("click", () => backward());
  speed.addEventListener("input", showPace);
  scrub.addEventListener("input", () => desk.go(Number(scrub.value)));
  reading.querySelector(".flip").addEventListener("click", flip);
  // The first step of all asks for a completion and shows what it thinks of its first pixel, before anything is drawn.
  const forward = () => (desk.takes.length ? stepTo(desk.moment + 1) : desk.complete({ paused: true }));
  const backward = () => desk.takes.length && stepTo(desk.moment - 1);
  // A single step, of which whoever cannot see the picture hears what came of it.
  function stepTo(position) {
    desk.go(position);
    spoken.textContent = [said().slice(0, 2).join(", "), odds.textContent].join(". ");
  }
  const faster = (by) => {
    speed.value = Number(speed.value) + by;
    showPace();
  };
  desk.addEventListener("asked-about", (event) => {
    asked = event.detail;
    desk.tell("moment");
    if (!reading.hidden) reading.scrollIntoView({ block: "nearest" }); // the answer to a tap is seen
  });
  desk.addEventListener("asked", () => {
    asked = null;
    awaiting = true;
  });
  desk.addEventListener("dropped", () => {
    asked = null;
    show();
  });
  desk.addEventListener("takes", () => {
    heard = performance.now();
    if (desk.awaited.fresh === false && tiles.children.length !== desk.takes.length) layTiles();
    if (awaiting && desk.takes.length > 1) bringTiles();
    awaiting = false;
    run();
  });
  desk.addEventListener("moment", () => {
    show();
    if (desk.playing) run();
  });
  desk.addEventListener("settings", show);
  words.addEventListener("changed", show);
  words.addEventListener("changed", showPace);
  showPace();
  show();
  return { forward, backward, flip, faster };
}

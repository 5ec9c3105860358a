// What the last completion cost, on what the server runs and what it is doing, and what the keys do.
import { make } from "./dom.js";
import { KEYS } from "./keys.js";
import { ask } from "./server.js";

const EVERY_MS = 4000;

export function startAbout(desk, box) {
  const { words } = desk;
  const [cost, device, line] = ["cost", "device", "line"].map((name) => make("p", { class: `about-${name}` }));
  const keys = KEYS.flatMap(([key, say]) => [make("dt", {}, key), make("dd", { say })]);
  box.append(cost, device, line, make("h3", { say: "about.keys" }), make("dl", { class: "keys" }, keys));
  let clock = 0;

  function showCost() {
    const take = desk.takes.at(-1);
    const done = take && desk.whole;
    const pixels = done ? take.order.length - take.from : 0;
    const together = done ? take.sample + 1 : 1; // pictures that were worked out in the same steps
    const each = (take?.ms / pixels / together).toFixed(2);
    const values = done && { ms: take.ms.toFixed(0), pixels, steps: take.steps, naive: pixels, each, pictures: together };
    cost.textContent = done ? words.say(together > 1 ? "about.cost_many" : "about.cost", values) : words.say("about.no_cost");
  }

  async function look() {
    if (document.hidden) return;
    try {
      const house = await ask("ready");
      const numbers = { pixels_per_s: Math.round(house.pixels_per_s), ms_per_tick: house.ms_per_tick.toFixed(1) };
      device.textContent = words.say("about.device", { device: words.named(house.device), weights: house.weights });
      line.textContent = words.say("about.line", { ...house, ...numbers });
    } catch {
      line.textContent = words.say("about.silent");
    }
  }

  desk.addEventListener("takes", showCost);
  words.addEventListener("changed", showCost);
  return {
    shown() {
      showCost();
      look();
      clock = setInterval(look, EVERY_MS);
    },
    hidden: () => clearInterval(clock),
  };
}

// In class: how to join this page, and the wall, where who chooses to shows a completion to all.
import { make } from "./dom.js";
import { ask } from "./server.js";
import { Wall, pictureOf } from "./wall.js";

const KEPT = "pixelcnn.key"; // the teacher's, until the tab is closed
const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4; // modules around a code, without which it is not found

export function startClass(desk, box) {
  const { words } = desk;
  const wall = new Wall(desk);
  const put = new WeakSet(); // takes that are on the wall
  const press = (say, onclick, more = {}) => make("button", { type: "button", say, onclick, ...more });

  const address = make("p", { class: "join-address" });
  const join = make("div", { class: "join" }, make("div", {}, make("p", { class: "join-say", say: "class.join" }), address));
  const name = make("input", { type: "text", id: "wall-name", maxlength: 20, autocomplete: "off" });
  const give = make("button", { class: "give", say: "class.put" });
  const said = make("p", { class: "class-said", "aria-live": "polite" });
  const state = make("p", { class: "wall-state" });
  const key = make("input", { type: "password", id: "teacher-key", autocomplete: "off" });
  const turn = make("button", { type: "button", onclick: () => rule(wall.open ? "close" : "open") });
  const whole = make("dialog", { class: "whole-wall", label: "class.wall", onclose: lay });
  const joinPlace = make("div", { class: "join-place" }), wallPlace = make("div", { class: "wall-place" });
  box.append(
    joinPlace,
    make("h3", { say: "class.wall" }),
    make("form", { class: "put", onsubmit: offer }, make("label", {}, make("span", { say: "class.name" }), name), give),
    said,
    state,
    wallPlace,
    press("class.whole", show, { class: "show-whole" }),
    make("details", { class: "teacher" }, make("summary", { say: "class.teacher" }),
      make("form", { onsubmit: (event) => event.preventDefault() },
        make("label", {}, make("span", { say: "class.key" }), key), press("class.clear", () => rule("clear")), turn)),
    whole,
  );
  key.value = kept();
  lay();

  function lay() {
    joinPlace.append(join);
    wallPlace.append(wall.list);
    wall.fit();
  }

  // The wall, and how to join it, on the whole page.
  function show() {
    whole.replaceChildren(join, wall.list, press("close", () => whole.close()));
    words.dress(whole);
    whole.showModal();
    wall.fit();
  }

  async function tellJoin() {
    const way = await ask("class").catch((error) => ({ sentence: words.fault(error) }));
    address.replaceChildren(...broken(way.address || way.sentence));
    join.classList.toggle("nowhere", !way.address);
    join.querySelector("svg")?.remove();
    if (way.qr) join.append(codeOf(way.qr, words.say("class.code", way)));
  }

  async function offer(event) {
    event.preventDefault();
    const take = desk.take;
    await doing(async () => {
      put.add(take);
      refresh();
      await ask("wall", pictureOf(take, name.value)).catch((error) => {
        put.delete(take);
        throw error;
      });
      return "class.is_up";
    });
  }

  async function rule(act) {
    if (act === "clear" && !confirm(words.say("class.sure"))) return;
    await doing(async () => {
      await ask("wall/rule", { key: key.value, act });
      keep(key.value);
      return `class.did_${act}`;
    });
  }

  // Do something at the server, say how it went, and look.
  async function doing(act) {
    try {
      said.textContent = words.say(await act());
      await wall.look();
    } catch (error) {
      said.textContent = words.fault(error);
    }
    refresh();
  }

  function refresh() {
    const take = desk.take, ready = Boolean(take) && take.ink.length === take.order.length;
    give.disabled = !ready || put.has(take) || !wall.open;
    const count = wall.hung.size;
    const what = wall.silent ? "about.silent" : !wall.open ? "class.closed" : !ready ? "class.first" : "class.count";
    state.textContent = words.say(what === "class.count" && !count ? "class.empty" : what, { count });
    turn.textContent = words.say(wall.open ? "class.close" : "class.open");
  }

  for (const name of ["takes", "moment", "dropped"]) desk.addEventListener(name, refresh);
  wall.addEventListener("changed", refresh);
  words.addEventListener("changed", refresh);
  refresh();
  return {
    shown() {
      tellJoin();
      wall.watch();
    },
    hidden() {
      wall.rest();
      whole.close();
    },
  };
}

// An address may be broken before its host and before its port, where a reader would not stumble.
const broken = (address) => address.split(/(?<=\/\/)|(?=:\d+$)/).flatMap((part, place) => (place ? [make("wbr"), part] : [part]));

function codeOf({ size, path }, label) {
  const side = size + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg"), modules = document.createElementNS(SVG, "path");
  const facts = { viewBox: `${-QUIET} ${-QUIET} ${side} ${side}`, role: "img", "aria-label": label, class: "code" };
  for (const [name, value] of Object.entries(facts)) svg.setAttribute(name, value);
  modules.setAttribute("d", path);
  svg.append(modules);
  return svg;
}

function keep(value) {
  try {
    sessionStorage.setItem(KEPT, value);
  } catch {
    // no storage, so it is not remembered
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEPT) || "";
  } catch {
    return "";
  }
}

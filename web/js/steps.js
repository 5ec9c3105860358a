// What the tour shows, level by level. A step:
//
//   name   `tour.LEVEL.NAME` are its words
//   at     a selector of the control it is about; where that is in a panel still closed, the panel's name is shown instead
//   panel  the panel where it is, if it is in one
//   here   whether the page has what it takes; steps that it has not are left out
//   show   does it, with the tour's hands
//   done   whether the person has done it, since `before` = {moment, chosen, cut, temperature}

const sameKind = (desk, kind) => Object.keys(desk.facts.models).find((entry) => desk.facts.models[entry].model === kind);
const other = (desk) => Object.keys(desk.facts.models).find((entry) => entry !== desk.settings.model);
const knowing = (desk) => Object.keys(desk.facts.models).find((entry) => desk.facts.models[entry].classes);
const inked = (desk) => desk.drawing.ink.filter((value) => value >= 128).length;
const finished = (desk) => desk.whole && desk.position >= desk.total;
const opened = (root, name) => root.querySelector(`[data-panel=${name}]`)?.getAttribute("aria-expanded") === "true";

// --- steps that several levels have, in words of their own

const draw = { name: "draw", at: ".stage", show: (hands) => hands.draw(), done: (desk) => inked(desk) >= 12 };

const panel = (name, at = `#panel-${name}`) => ({
  name, at, panel: name, show: (hands) => hands.open(name), done: (desk, before, root) => opened(root, name),
});

// To choose a model of a kind, where the page has one.
const model = (kind) => ({
  name: kind,
  at: "#model",
  panel: "settings",
  here: (desk) => sameKind(desk, kind),
  async show(hands) {
    await hands.open("settings");
    await hands.choose("#model", sameKind(hands.desk, kind));
    await hands.complete();
  },
  done: (desk) => desk.take && desk.facts.models[desk.take.model]?.model === kind && finished(desk),
});

async function nine(hands) {
  await hands.open("settings");
  await hands.press("[data-count='9']");
  await hands.complete();
  await hands.until(() => hands.desk.takes.length === 9);
}

const CHILD = [
  draw,
  {
    name: "cut",
    at: ".cut",
    show: (hands) => hands.cut(hands.desk.drawing.cut < hands.desk.height - 4 ? 2 : -2),
    done: (desk, before) => desk.drawing.cut !== before.cut,
  },
  {
    name: "complete",
    at: "#complete",
    show: (hands) => hands.complete(),
    done: finished,
  },
  {
    name: "slow",
    at: ".pace",
    async show(hands) {
      await hands.take();
      await hands.slide(".speed", 22);
      if (!hands.desk.playing) await hands.press(".toggle");
    },
    done: (desk, before, root) => root.querySelector(".speed").value < 45 && desk.playing && desk.moment !== before.moment,
  },
  {
    name: "step",
    at: ".step",
    async show(hands) {
      await hands.middle();
      for (let time = 0; time < 3; time++) await hands.press(".step");
    },
    done: (desk, before) => !desk.playing && desk.moment !== before.moment && desk.take,
  },
  {
    name: "odds",
    at: ".odds",
    async show(hands) {
      await hands.middle();
      for (let time = 0; time < 6; time++) await hands.press(".step");
    },
    done: (desk, before) => desk.take && !desk.playing && desk.moment > before.moment + 2,
  },
  {
    name: "finish",
    at: ".toggle",
    async show(hands) {
      await hands.take();
      await hands.slide(".speed", 78);
      if (!hands.desk.playing) await hands.press(".toggle");
    },
    done: finished,
  },
  { name: "nine", at: "#count", panel: "settings", show: nine, done: (desk) => desk.takes.length === 9 && finished(desk) },
  {
    name: "choose",
    at: ".tiles",
    async show(hands) {
      if (hands.desk.takes.length < 2) await nine(hands);
      await hands.press(`.tile:nth-child(${((hands.desk.chosen + 1) % hands.desk.takes.length) + 1})`);
    },
    done: (desk, before) => desk.chosen !== before.chosen,
  },
  { name: "yours", at: "[data-act=clear]", show: (hands) => hands.press("[data-act=clear]"), done: (desk) => inked(desk) === 0 },
];

const STUDENT = [
  draw,
  {
    name: "product",
    at: ".step",
    async show(hands) {
      await hands.middle();
      await hands.press(".back");
      await hands.press(".back");
      for (let time = 0; time < 2; time++) await hands.press(".step"); // and stand before the same pixel again
    },
    done: (desk, before) => desk.take && !desk.playing && desk.moment !== before.moment,
  },
  {
    name: "temperature",
    at: "#temperature",
    panel: "settings",
    async show(hands) {
      await hands.middle();
      await hands.open("settings");
      await hands.slide("#temperature", hands.desk.settings.temperature > 0.5 ? 0.4 : 1.5);
    },
    done: (desk, before) => desk.settings.temperature !== before.temperature,
  },
  {
    name: "go_on",
    at: ".toggle",
    async show(hands) {
      await hands.middle();
      if (!hands.desk.playing) await hands.press(".toggle");
    },
    done: finished,
  },
  {
    name: "read",
    at: ".pixels",
    async show(hands) {
      await hands.end();
      const { bits, order } = hands.desk.take;
      await hands.tap(order[bits.indexOf(Math.max(...bits))]); // the greatest surprise of all
    },
    done: (desk, before, root) => !root.querySelector(".reading").hidden,
  },
  {
    name: "flip",
    at: ".flip",
    async show(hands) {
      await hands.end();
      const { order, bits } = hands.desk.take, early = bits.subarray(0, Math.ceil(order.length / 2));
      await hands.tap(order[early.indexOf(Math.max(...early))]);
      await hands.press(".flip");
      await hands.slide(".speed", 78);
    },
    done: (desk) => desk.take?.flipped && finished(desk),
  },
  panel("sight"),
  {
    name: "seed",
    at: "#dice",
    panel: "settings",
    async show(hands) {
      await hands.open("settings");
      if (hands.desk.settings.dice) await hands.press("#dice");
      await hands.complete();
    },
    done: (desk) => !desk.settings.dice && finished(desk),
  },
  {
    name: "digits",
    at: "#panel-digits",
    panel: "digits",
    here: knowing,
    async show(hands) {
      await hands.open("settings");
      await hands.choose("#model", knowing(hands.desk));
      await hands.complete();
      await hands.open("digits");
    },
    done: (desk, before, root) => opened(root, "digits") && finished(desk),
  },
  panel("quiz"),
];

const RESEARCHER = [
  {
    name: "nats",
    at: ".facts",
    show: (hands) => hands.end(),
    done: finished,
  },
  panel("about", ".about-cost"),
  model("pixelcnn"),
  panel("sight"),
  model("row_lstm"),
  model("diagonal_bilstm"),
  model("gated_pixelcnn"),
  model("pixelcnn_pp"),
  model("freeform"),
  {
    name: "against",
    at: "#against",
    panel: "settings",
    here: (desk) => Object.keys(desk.facts.models).length > 1,
    async show(hands) {
      await hands.open("settings");
      await hands.choose("#against", other(hands.desk));
      await hands.complete();
    },
    done: (desk) => new Set(desk.takes.map((take) => take.model)).size > 1 && finished(desk),
  },
];

export const LEVELS = { child: CHILD, student: STUDENT, researcher: RESEARCHER };

// The steps of a level that this page can show.
export function stepsOf(level, desk, root) {
  const has = (step) => !step.panel || root.querySelector(`[data-panel=${step.panel}]`);
  return LEVELS[level].filter((step) => has(step) && (!step.here || step.here(desk)));
}

// On what the server runs, with which weights, and what it is doing; asked for only while somebody looks.
const EVERY_MS = 4000;
const about = element.querySelector(".about"), line = element.querySelector(".line");
const filled = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);

async function ask() {
  if (document.hidden) return;
  try {
    const house = await (await fetch("ready")).json();
    const numbers = { ...house, pixels_per_s: Math.round(house.pixels_per_s), ms_per_tick: house.ms_per_tick.toFixed(1) };
    about.textContent = filled(props.texts.about, house);
    line.textContent = filled(props.texts.line, numbers);
  } catch {
    line.textContent = props.texts.silent;
  }
}

const clock = setInterval(() => (element.isConnected ? ask() : clearInterval(clock)), EVERY_MS);
ask();

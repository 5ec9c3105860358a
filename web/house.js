// What the server is doing, asked for only while somebody looks.
const EVERY_MS = 2000;
const line = element.querySelector(".house");

async function ask() {
  if (line.offsetParent === null || document.hidden) return;
  try {
    const house = await (await fetch("ready")).json();
    const numbers = { ...house, pixels_per_s: Math.round(house.pixels_per_s), ms_per_tick: house.ms_per_tick.toFixed(1) };
    line.textContent = props.texts.line.replace(/{(\w+)}/g, (_, name) => numbers[name]);
  } catch {
    line.textContent = props.texts.silent;
  }
}

const clock = setInterval(() => (element.isConnected ? ask() : clearInterval(clock)), EVERY_MS);
ask();

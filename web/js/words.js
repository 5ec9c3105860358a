// Every word the page says, in the language of the browser or the one that was chosen.
import { filled } from "./dom.js";

const KEPT = "pixelcnn.language";
const OF_SERVER = { "the CPU": "server.cpu" };

export class Words extends EventTarget {
  // all: {language: {key: text}}, the first language for whoever speaks none of them.
  constructor(all) {
    super();
    this.all = all;
    const asked = [kept(), ...(navigator.languages || []).map((name) => name.slice(0, 2))];
    this.language = asked.find((name) => name in all) || Object.keys(all)[0];
  }

  // The text of a key, {name}s filled in.
  say(key, values = {}) {
    return filled(this.all[this.language][key] ?? key, values);
  }

  // What the server calls something, in the language that is spoken, as far as there are words for it.
  named(text) {
    return text in OF_SERVER ? this.say(OF_SERVER[text]) : text;
  }

  // What to say of an error of a question to the server.
  fault(error) {
    return error.message === "silent" ? this.say("about.silent") : error.message;
  }

  has(key) {
    return key in this.all[this.language];
  }

  // Put words where elements name their keys: data-say is their text, data-label their name, data-hint their title.
  dress(root) {
    for (const node of root.querySelectorAll("[data-say]")) node.textContent = this.say(node.dataset.say);
    for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", this.say(node.dataset.label));
    for (const node of root.querySelectorAll("[data-hint]")) node.title = this.say(node.dataset.hint);
  }

  // Speak another language from now on, here and on the next visit.
  speak(language) {
    this.language = language;
    try {
      localStorage.setItem(KEPT, language);
    } catch {
      // no storage, so it is not remembered
    }
    this.dispatchEvent(new Event("changed"));
  }

  // The language that the switch leads to.
  get other() {
    const names = Object.keys(this.all);
    return names[(names.indexOf(this.language) + 1) % names.length];
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

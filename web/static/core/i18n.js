// Translations of the page: messages by key, in the language of the browser or the one that the user chose.
import { readStorage, writeStorage } from "./storage.js";

const STORAGE_KEY = "pixelcnn.language";
const DEVICE_NAMES = { "the CPU": "server.cpu" }; // what the server calls a device, and the key of its translation

export class I18n extends EventTarget {
  // catalogs: {language: {key: message}}. The first language is the default.
  //
  // Event: "changed", after another language was chosen.
  constructor(catalogs) {
    super();
    this.catalogs = catalogs;
    const browserLanguages = (navigator.languages || []).map((tag) => tag.slice(0, 2));
    const preferred = [readStorage("localStorage", STORAGE_KEY), ...browserLanguages];
    this.language = preferred.find((language) => Object.hasOwn(catalogs, language)) || Object.keys(catalogs)[0];
  }

  // The message of a key with its parameters filled in; an unknown key itself.
  t(key, params = {}) {
    return formatMessage(this.catalogs[this.language][key] ?? key, params, this.language);
  }

  has(key) {
    return Object.hasOwn(this.catalogs[this.language], key);
  }

  // The translated name of a device, such as "the CPU".
  deviceName(name) {
    return Object.hasOwn(DEVICE_NAMES, name) ? this.t(DEVICE_NAMES[name]) : name;
  }

  // The text of an ApiError: translated by its code, else the English message.
  errorText({ code, params, message }) {
    if (code === "no_response") return this.t("about.no_response");
    return this.has(`error.${code}`) ? this.t(`error.${code}`, params) : message;
  }

  // A message of the server, {code, params, text}: translated by its code, else the English text.
  messageText({ code, params, text }) {
    return this.has(`message.${code}`) ? this.t(`message.${code}`, params) : text;
  }

  // Fills in elements that name a key: data-i18n for their text, data-i18n-label for their accessible name,
  // data-i18n-title for their tooltip.
  applyTranslations(root) {
    const nodes = (name) => root.querySelectorAll(`[${name}]`);
    for (const node of nodes("data-i18n")) node.textContent = this.t(node.dataset.i18n);
    for (const node of nodes("data-i18n-label")) node.setAttribute("aria-label", this.t(node.dataset.i18nLabel));
    for (const node of nodes("data-i18n-title")) node.title = this.t(node.dataset.i18nTitle);
  }

  // Changes the language, now and on later visits.
  setLanguage(language) {
    this.language = language;
    writeStorage("localStorage", STORAGE_KEY, language);
    this.dispatchEvent(new Event("changed"));
  }

  // The language that the language button switches to.
  get nextLanguage() {
    const languages = Object.keys(this.catalogs);
    return languages[(languages.indexOf(this.language) + 1) % languages.length];
  }
}

// A message in the subset of ICU MessageFormat that the locale files use: {name}, and
// {count, plural, =0 {nothing} one {# picture} other {# pictures}}, where # is the number. There is no quoting.
// A parameter that is missing stays as it is written. web/i18n.py does the same on the server.
export function formatMessage(message, params, language = "en") {
  let text = "";
  for (let index = 0; index < message.length; index++) {
    if (message[index] !== "{") {
      text += message[index];
      continue;
    }
    const end = closingBrace(message, index);
    if (end < 0) return text + message.slice(index); // unbalanced: as it is written
    text += formatArgument(message.slice(index, end + 1), params, language);
    index = end;
  }
  return text;
}

const rules = new Map(); // language -> its plural rules, which take long to make
function pluralRules(language) {
  if (!rules.has(language)) rules.set(language, new Intl.PluralRules(language));
  return rules.get(language);
}

// One argument with its braces.
function formatArgument(argument, params, language) {
  const [, name, cases] = /^\{\s*(\w+)\s*(?:,\s*plural\s*,([^]*))?\}$/.exec(argument) || [];
  if (!name || !Object.hasOwn(params, name)) return argument;
  if (cases === undefined) return String(params[name]);
  const count = Number(params[name]), branches = pluralBranches(cases);
  const branch = branches[`=${count}`] ?? branches[pluralRules(language).select(count)] ?? branches.other ?? "";
  return formatMessage(branch.replaceAll("#", String(params[name])), params, language);
}

// {"=0": message, one: message, other: message} from "=0 {...} one {...} other {...}".
function pluralBranches(text) {
  const branches = {};
  for (let start = text.indexOf("{"), last = 0; start >= 0; start = text.indexOf("{", last)) {
    const end = closingBrace(text, start);
    if (end < 0) break;
    branches[text.slice(last, start).trim()] = text.slice(start + 1, end);
    last = end + 1;
  }
  return branches;
}

// The index of the brace that closes the one at `start`, or -1.
function closingBrace(text, start) {
  for (let index = start, depth = 0; index < text.length; index++) {
    if (text[index] === "{") depth += 1;
    else if (text[index] === "}") depth -= 1;
    if (depth === 0) return index;
  }
  return -1;
}

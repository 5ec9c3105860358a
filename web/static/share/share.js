// The share panel: a link to the completions, files to download, and program text for the same request.
import { fetchJson } from "../core/api.js";
import { listen, make } from "../core/dom.js";
import { conditionedDigit, knownPixels } from "../core/request.js";
import { download, toAnswers, toGif, toPng } from "./export.js";
import { linkState, packLink } from "./link.js";
import { curlSnippet, pythonSnippet } from "./snippets.js";

const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];
const STORE_EVENTS = ["settings", "completions", "cleared"];
const USER_EVENTS = ["pointerup", "keyup"]; // the end of a stroke
const FILES = {
  png: (store, canvas) => toPng(canvas),
  gif: (store) => toGif(store),
  json: (store) => new Blob([JSON.stringify(toAnswers(store))], { type: "application/json" }),
};

export function startShare(store, box) {
  const { i18n } = store;
  const canvas = box.closest(".page").querySelector(".pixels");
  const link = textField("input", "link", { type: "text" });
  const python = textField("textarea", "python", { rows: 10 }), curl = textField("textarea", "curl", { rows: 3 });
  const files = Object.keys(FILES).map((kind) =>
    make("button", { type: "button", "data-file": kind, onclick: () => save(kind) },
      make("b", { i18n: `share.${kind}` }), make("small", { i18n: `share.${kind}_info` })));
  const info = make("small"), status = make("p", { class: "share-status", role: "status" });
  let origin = location.origin;
  layOut(box, { link, info, python, curl, files, status, copy });

  function showStatus(key) {
    status.textContent = i18n.t(key);
  }

  async function copy(field) {
    update();
    showStatus(await copyText(field) ? "share.copied" : "share.copy_manually");
  }

  async function save(kind) {
    showStatus("share.making");
    for (const button of files) button.disabled = true;
    try {
      const suffix = store.completion ? `-seed-${store.completion.seed}` : "";
      download(await FILES[kind](store, canvas), `pixelcnn${suffix}.${kind}`);
      showStatus(window.top === window ? "share.made" : "share.made_embedded"); // which can forbid downloads, silently
    } catch (error) {
      status.textContent = i18n.errorText(error);
    }
    update();
  }

  // Shows the current state. Runs only while the panel is open.
  function update() {
    for (const button of files) button.disabled = button.dataset.file !== "png" && !store.available;
    const state = linkState(store), shown = store.completions.length, known = knownPixels(store.drawing), address = origin + location.pathname;
    setText(link, `${address}#${packLink(state)}`);
    info.textContent = i18n.t(`share.link_${state.missing ? "partial" : "info"}`, { count: shown - state.missing, shown });
    const request = { ...state, digit: conditionedDigit(store.facts, state.model, state.digit, known) };
    setText(python, pythonSnippet(address, request, known));
    setText(curl, curlSnippet(address, request, known));
  }

  // On the teacher's machine the page may be open at an address that other machines cannot use.
  async function findPublicOrigin() {
    if (!store.lan || !LOCAL_HOSTS.includes(location.hostname)) return;
    const info = await fetchJson("class").catch(() => null);
    if (!info?.address) return;
    origin = info.address;
    update();
  }

  i18n.addEventListener("changed", () => {
    status.replaceChildren();
    if (open) update();
  });
  const updateSoon = () => setTimeout(update); // after the handlers of the same event
  let open = null; // aborted when the panel closes
  return {
    shown() {
      open = new AbortController();
      status.textContent = "";
      listen(store, STORE_EVENTS, update, { signal: open.signal });
      listen(document, USER_EVENTS, updateSoon, { signal: open.signal });
      update();
      findPublicOrigin();
    },
    hidden() {
      open.abort();
      open = null;
    },
  };
}

// Without access to the clipboard, for example over plain HTTP, the text is selected instead. Returns whether it was copied.
async function copyText(field) {
  const copied = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
  if (copied) return true;
  field.focus();
  field.select();
  return false;
}

// Gradio's own description opens by the button in its footer, which the page hides.
const openApiDescription = () => document.querySelector("footer .show-api").click();

function textField(tag, name, attributes) {
  const select = (event) => event.target.select();
  const more = tag === "textarea" ? { wrap: "off" } : {};
  const common = { id: `share-${name}`, i18nLabel: `share.${name}`, readonly: true, spellcheck: "false", onfocus: select };
  return make(tag, { ...common, ...more, ...attributes });
}

function setText(field, text) {
  if (field.value !== text) field.value = text;
}

function layOut(box, { link, info, python, curl, files, status, copy }) {
  const copyButton = (field, key, className = null) =>
    make("button", { type: "button", class: className, i18n: key, "data-copies": field.id, onclick: () => copy(field) });
  const snippets = Object.entries({ python, curl }).map(([name, field]) =>
    make("div", { class: "share-snippet" }, make("h3", { i18n: `share.${name}` }), copyButton(field, "share.copy"), field));
  box.append(
    make("div", { class: "share-link" }, link, copyButton(link, "share.copy_link", "share-copy-link")),
    info,
    make("div", { class: "share-files", role: "group", i18nLabel: "share.files" }, files),
    status,
    make("details", { class: "share-programs" }, make("summary", { i18n: "share.programs" }), snippets,
      make("button", { type: "button", class: "share-api", i18n: "share.api", onclick: openApiDescription })),
  );
}

// To take away and pass on: a link that draws the same pictures, files, and the request for programs.
import { make } from "./dom.js";
import { packed, stateOf } from "./link.js";
import { ask } from "./server.js";
import { filmOf, pictureOf, save, traceOf } from "./saves.js";
import { curlOf, pythonOf } from "./snippets.js";

const FILES = {
  png: (desk, canvas) => pictureOf(canvas),
  gif: (desk) => filmOf(desk),
  json: (desk) => new Blob([JSON.stringify(traceOf(desk))], { type: "application/json" }),
};

export function startShare(desk, box) {
  const { words } = desk;
  const canvas = box.closest(".page").querySelector(".pixels");
  const said = make("p", { class: "share-said", role: "status" });
  const link = field("input", "link", "share.link");
  const snippets = { python: field("textarea", "python", "share.python"), curl: field("textarea", "curl", "share.curl") };
  const files = Object.keys(FILES).map((kind) => make("button", { type: "button", "data-file": kind, onclick: () => download(kind) },
    make("b", { say: `share.${kind}` }), make("small", { say: `share.${kind}_info` })));
  const texts = Object.entries(snippets).map(([name, text]) =>
    make("div", { class: "share-snippet" }, make("h4", { say: `share.${name}` }), copier(text, "share.copy"), text));

  box.append(
    make("div", { class: "share-link" }, link, copier(link, "share.copy_link", "share-first")),
    make("small", { say: "share.link_info" }),
    make("div", { class: "share-files", role: "group", label: "share.files" }, files),
    said,
    make("details", { class: "share-programs" }, make("summary", { say: "share.programs" }), texts),
  );

  function field(tag, id, label) {
    const node = make(tag, { id: `share-${id}`, label, readonly: true, spellcheck: "false", onfocus: () => node.select() });
    if (tag === "input") node.type = "text";
    else Object.assign(node, { rows: id === "curl" ? 3 : 10, wrap: "off" });
    return node;
  }

  function copier(text, say, look = "") {
    return make("button", { type: "button", class: look, say, "data-copies": text.id, onclick: () => copy(text) });
  }

  // Where the clipboard is not to be had, on plain HTTP say, the text lies there selected.
  async function copy(text) {
    show();
    const copied = await navigator.clipboard?.writeText(text.value).then(() => true, () => false);
    if (!copied) {
      text.focus();
      text.select();
    }
    tell(copied ? "share.copied" : "share.selected");
  }

  async function download(kind) {
    tell("share.making");
    for (const button of files) button.disabled = true;
    try {
      const seed = desk.take ? `-seed-${desk.take.seed}` : "";
      save(await FILES[kind](desk, canvas), `pixelcnn${seed}.${kind}`);
      tell("share.made");
    } catch (error) {
      said.textContent = words.fault(error);
    }
    show();
  }

  function tell(say) {
    said.textContent = words.say(say);
  }

  // --- what it says follows the desk while somebody looks
  function show() {
    for (const button of files) button.disabled = button.dataset.file !== "png" && !desk.ready;
    const state = stateOf(desk), known = desk.given();
    const address = (others ?? location.origin) + location.pathname;
    put(link, `${address}#${packed(state)}`);
    const asked = { ...state, digit: desk.told(state.model, state.digit, known) };
    put(snippets.python, pythonOf(address, asked, known));
    put(snippets.curl, curlOf(address, asked, known));
  }

  // On the teacher's own machine the page may be open at an address that is of use to nobody else.
  let others = null;
  const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  async function find() {
    const way = desk.lan && own ? await ask("class").catch(() => null) : null;
    if (!way?.address) return;
    others = way.address;
    show();
  }

  function put(node, text) {
    if (node.value !== text) node.value = text;
  }

  words.addEventListener("changed", () => said.replaceChildren());
  const soon = () => setTimeout(show); // a stroke ends where the pointer is let go
  const followed = ["settings", "takes", "dropped"];
  return {
    shown() {
      said.textContent = "";
      for (const name of followed) desk.addEventListener(name, show);
      for (const name of ["pointerup", "keyup"]) document.addEventListener(name, soon);
      show();
      find();
    },
    hidden() {
      for (const name of followed) desk.removeEventListener(name, show);
      for (const name of ["pointerup", "keyup"]) document.removeEventListener(name, soon);
    },
  };
}

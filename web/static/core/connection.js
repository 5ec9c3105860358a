// Errors of Gradio itself: the server failed, or the connection to it was lost. Gradio shows a title and an English sentence,
// which page.css hides; the page shows its own sentence instead. After a lost connection Gradio carries out nothing more, and
// reloads the page once the server responds again; share/persistence.js then brings back what was on it.
import { fetchJson } from "./api.js";
import { readStorage, writeStorage } from "./storage.js";

const LOST_KEY = "pixelcnn.connection-lost"; // {panel: that was open}, until the page has told so after the reload
const LOST_TEXT = /connection|session/i; // in Gradio's sentences about that

export function watchConnection(store, root, { notice, panels }) {
  const { i18n } = store;

  async function report(text) {
    store.fail();
    const lost = LOST_TEXT.test(text) || !await fetchJson("ready").then(() => true, () => false);
    if (lost) writeStorage("sessionStorage", LOST_KEY, JSON.stringify({ panel: panels.opened }));
    notice.show(() => i18n.t(lost ? "notice.lost" : "notice.failed"));
  }

  const container = root.closest(".gradio-container") ?? document.body;
  new MutationObserver((changes) => {
    const nodes = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node instanceof Element);
    const toast = nodes.find((node) => !root.contains(node) && (node.closest(".error") || node.querySelector(".toast-body.error")));
    if (toast?.closest(".toast-wrap, .toast-item") || toast?.querySelector(".toast-body")) report(toast.textContent);
  }).observe(container, { childList: true, subtree: true });
}

// After such a reload: opens the panel again, says what happened, and offers to complete the drawing again.
export function reportReconnection(store, { notice, panels }) {
  const lost = JSON.parse(readStorage("sessionStorage", LOST_KEY) || "null");
  if (!lost) return;
  writeStorage("sessionStorage", LOST_KEY, "");
  panels.open(lost.panel);
  notice.show(() => store.i18n.t("notice.reconnected"), { key: "notice.complete_again", run: () => store.complete() });
}

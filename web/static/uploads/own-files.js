// Files of the visitor, dropped anywhere on the page or chosen in their panel: a picture becomes the drawing, and weights
// become a model for this visitor alone, until the page is left.
import { ApiError, fetchJson } from "../core/api.js";
import { fromHex } from "../core/hex.js";

const WEIGHTS = /\.safetensors$/i;
const MAX_SIDE = 384; // pixels of a picture that is sent
const QUALITY = 0.9;
const RENEW_MS = 60000; // the server frees weights that are not renewed for three times as long
const MB = 2 ** 20;

export function startOwnFiles(store, root, notice) {
  const { i18n } = store, status = root.querySelector(".canvas-status");
  const entries = []; // of this visitor's weights on the server

  // Loads the first of some files. An error changes nothing on the page.
  async function take([file]) {
    if (!file) return;
    try {
      notice.show(() => i18n.t("own_files.loading", { name: file.name }));
      const text = await (WEIGHTS.test(file.name) ? takeWeights(file) : takePicture(file));
      notice.show(() => i18n.t(...text));
      status.textContent = i18n.t(...text);
    } catch (error) {
      notice.show(() => i18n.errorText(error));
    }
  }

  async function takePicture(file) {
    const { ink } = await fetchJson("picture", await reducePicture(file));
    const { drawing } = store;
    drawing.replace({ ink: fromHex(ink, 2), hidden: new Uint8Array(store.size), cut: drawing.middle });
    return ["own_files.picture_done"];
  }

  async function takeWeights(file) {
    const params = { given: Math.ceil(file.size / MB), limit: store.weightsMb };
    if (store.weightsMb && file.size > store.weightsMb * MB) {
      throw new ApiError(i18n.t("own_files.too_large", params), "own_files_too_large", params);
    }
    const { entry, facts } = await fetchJson(`visitor-weights?name=${encodeURIComponent(file.name)}`, file);
    entries.push(entry);
    store.facts.models[entry] = { ...facts, file: file.name };
    store.updateSettings({ model: entry });
    return ["own_files.weights_done", { name: file.name }];
  }

  // The lease of the weights. A request that fails is repeated the next time.
  setInterval(() => entries.length && fetchJson("visitor-weights/keep", { entries }).catch(() => null), RENEW_MS);
  window.addEventListener("pagehide", () => {
    if (entries.length) navigator.sendBeacon(new URL("visitor-weights/release", document.baseURI), JSON.stringify({ entries }));
  });
  store.addEventListener("files", (event) => take(event.detail));
  acceptDrops(root, take);
}

// Shows where a file can be dropped while one is dragged over the page.
function acceptDrops(root, take) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
}

// A picture that is small enough to be sent, upright; the file itself if the browser cannot read it or it is small anyway.
async function reducePicture(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  const scale = bitmap ? MAX_SIDE / Math.max(bitmap.width, bitmap.height) : 1;
  if (scale >= 1) return file;
  const size = { width: Math.max(1, Math.round(scale * bitmap.width)), height: Math.max(1, Math.round(scale * bitmap.height)) };
  const canvas = Object.assign(document.createElement("canvas"), size), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, size.width, size.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob ?? file), "image/webp", QUALITY));
}

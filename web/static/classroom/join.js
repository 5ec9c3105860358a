// How to join the page: its address in the local network and a QR code of it.
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET_ZONE = 4; // modules around a QR code, which readers need

// {box, show}: the element, and a function that asks the server for the address and shows it.
export function makeJoin(i18n) {
  const address = make("p", { class: "join-address" });
  const text = make("p", { class: "join-text", i18n: "classroom.join" });
  const box = make("div", { class: "join" }, make("div", {}, text, address));

  async function show() {
    const info = await fetchJson("class").catch((error) => ({ sentence: i18n.errorText(error) }));
    const problem = info.problem ? i18n.messageText(info.problem) : info.sentence;
    address.replaceChildren(...breakAddress(info.address || problem));
    box.classList.toggle("no-address", !info.address);
    box.querySelector("svg")?.remove();
    if (info.qr) box.append(qrCode(info.qr, i18n.t("classroom.qr_code", info)));
  }

  return { box, show };
}

// An address may be broken before its host and before its port, where the break is not misleading.
const breakAddress = (address) =>
  address.split(/(?<=\/\/)|(?=:\d+$)/).flatMap((part, index) => (index ? [make("wbr"), part] : [part]));

// size: modules a side; path: the dark modules as an SVG path.
function qrCode({ size, path }, label) {
  const side = size + 2 * QUIET_ZONE;
  const svg = document.createElementNS(SVG, "svg"), modules = document.createElementNS(SVG, "path");
  const viewBox = `${-QUIET_ZONE} ${-QUIET_ZONE} ${side} ${side}`;
  const attributes = { viewBox, role: "img", "aria-label": label, class: "qr-code" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  modules.setAttribute("d", path);
  svg.append(modules);
  return svg;
}

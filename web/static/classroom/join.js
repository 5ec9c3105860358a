// How to join the page: its address in the local network and a QR code of it.
import { fetchJson } from "../core/api.js";
import { make } from "../core/dom.js";

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

// svg: the text of an SVG element.
function qrCode(svg, label) {
  const code = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  code.setAttribute("role", "img");
  code.setAttribute("aria-label", label);
  return code;
}

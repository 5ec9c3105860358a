// The keyboard, wherever the focus is, unless it is where keys are typed or a control has a use of its own for
// them. The canvas keeps those that it uses to itself, and a button that was clicked does not keep the space bar.

const TYPED = "select, textarea, input:not([type=range]):not([type=checkbox])";
const SLID = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const PRESSED = [" ", "Enter"];

// Whether the control that has the focus has a use of its own for a key; clicked: it came by a pointer.
function keeps(control, key, clicked) {
  if (!control.closest || key === "Escape") return false;
  if (control.closest(TYPED)) return true;
  if (control.closest("input[type=range], [role=slider]") && SLID.includes(key)) return true;
  return !clicked && Boolean(control.closest("button, a, summary, input")) && PRESSED.includes(key);
}

export function startKeys(desk, player, panels, page) {
  const keys = {
    " ": () => (desk.takes.length ? desk.toggle() : desk.complete()),
    ArrowRight: () => player.forward(),
    ArrowLeft: () => player.backward(),
    Home: () => desk.go(0),
    End: () => desk.go(desk.total),
    "+": () => player.faster(8),
    "-": () => player.faster(-8),
    c: () => desk.complete(),
    s: () => desk.stop(),
    f: () => player.flip(),
    l: () => panels.open("lens"),
    p: () => page.project(),
    "?": () => (page.projected() ? page.listKeys() : panels.open("about")),
    Escape: () => (panels.opened ? panels.close() : page.project(false)),
  };
  for (let number = 1; number <= 9; number++) {
    keys[number] = () => number <= desk.takes.length && desk.choose(number - 1);
  }
  let clicked = false; // whether what has the focus has it from a pointer
  document.addEventListener("focusin", (event) => {
    clicked = !event.target.matches(":focus-visible");
  });
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog:modal")) return;
    const undo = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.target.closest?.(TYPED);
    const plain = !(event.ctrlKey || event.metaKey || event.altKey) && !keeps(event.target, event.key, clicked);
    const act = undo ? () => desk.drawing.undo() : plain && keys[event.key];
    if (!act) return;
    act();
    event.preventDefault();
  });
  // Some browsers click a button when the space bar is let go.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && clicked && event.target.closest?.(".page button")) event.preventDefault();
  });
}

// What the keys do, by the words that name it; `about` lists them.
export const KEYS = [
  ["space", "player.play"], ["→", "player.step"], ["←", "player.back"], ["Home End", "player.scrub"], ["+ −", "player.speed"],
  ["c", "complete"], ["s", "stop"], ["Ctrl z", "easel.undo"],
  ["f", "player.flip"], ["1 … 9", "player.tiles"], ["l", "lens"], ["p", "projector"], ["?", "about.keys"],
];

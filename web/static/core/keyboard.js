// Keyboard shortcuts of the page. They work wherever the focus is, except in text fields and in controls that use the key
// themselves. The canvas handles its own keys first. A button that was clicked does not react to the space bar afterwards.

const TEXT_FIELDS = "select, textarea, input:not([type=range]):not([type=checkbox])";
const SLIDER_KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
const BUTTON_KEYS = [" ", "Enter"];
const SPEED_STEP = 8; // of the speed slider, 0 to 100

// The list of shortcuts: [keys, key of the message that names the action].
export const SHORTCUTS = [
  ["space", "player.play"], ["→", "player.step"], ["←", "player.back"], ["Home End", "player.scrub"],
  ["+ −", "player.speed"], ["c", "complete"], ["s", "stop"], ["Ctrl z", "canvas.undo"], ["Ctrl y", "canvas.redo"],
  ["f", "player.flip"], ["1 … 9", "player.tiles"], ["l", "overlay"], ["p", "projector"], ["?", "about.shortcuts"],
];

// The key of a shortcut that an event means: `event.key` in lower case, because of caps lock, or if that is not on a Latin
// keyboard, the letter or digit at the place of the key on one. With Korean keys, C gives "ㅊ" or "Process".
export function shortcutKey({ key, code }) {
  if (key.length === 1 && key <= "~") return key.toLowerCase();
  return /^(?:Key|Digit)(.)$/.exec(code)?.[1].toLowerCase() ?? key;
}

// Whether the focused control uses a key itself. clicked: it received the focus from a pointer.
function controlUses(control, key, clicked) {
  if (!control.closest || key === "Escape") return false;
  if (control.closest(TEXT_FIELDS)) return true;
  if (control.closest("input[type=range], [role=slider]") && SLIDER_KEYS.includes(key)) return true;
  return !clicked && Boolean(control.closest("button, a, summary, input")) && BUTTON_KEYS.includes(key);
}

// "undo" or "redo" for a key together with Ctrl or Cmd.
const editingAction = (key, shift) => ({ z: shift ? "redo" : "undo", y: "redo" })[key];

export function startKeyboard({ store, player, panels, projector }) {
  const actions = {
    " ": () => (store.completions.length ? store.togglePlay() : store.complete()),
    ArrowRight: () => player.stepForward(),
    ArrowLeft: () => player.stepBack(),
    Home: () => store.seek(0),
    End: () => store.seek(store.total),
    "+": () => player.changeSpeed(SPEED_STEP),
    "-": () => player.changeSpeed(-SPEED_STEP),
    c: () => store.complete(),
    s: () => store.stop(),
    f: () => player.flip(),
    l: () => panels.open("overlay"),
    p: () => projector.toggle(),
    "?": () => (projector.active() ? projector.showShortcuts() : panels.open("about")),
    Escape: () => (panels.opened ? panels.close() : projector.toggle(false)),
  };
  for (let number = 1; number <= 9; number++) {
    actions[number] = () => number <= store.completions.length && store.select(number - 1);
  }
  let clicked = false; // whether the focus came from a pointer
  document.addEventListener("focusin", (event) => {
    clicked = !event.target.matches(":focus-visible");
  });
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog:modal, :popover-open")) return;
    const key = shortcutKey(event), control = event.ctrlKey || event.metaKey;
    const plain = !control && !event.altKey && !controlUses(event.target, event.key, clicked);
    const editing = control && !event.altKey && !event.target.closest?.(TEXT_FIELDS) && editingAction(key, event.shiftKey);
    const action = editing ? () => store.drawing[editing]() : plain && actions[key];
    if (!action) return;
    action();
    event.preventDefault();
  });
  // Some browsers click a button when the space bar is released.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && clicked && event.target.closest?.(".page button")) event.preventDefault();
  });
}

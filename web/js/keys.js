// The keyboard, wherever the focus is, unless it is where keys are typed or a control has a use of its own for them.

export function startKeys(desk, player, panels, page) {
  const keys = {
    " ": () => (desk.takes.length ? desk.toggle() : desk.complete()),
    ArrowRight: () => player.forward(),
    ArrowLeft: () => desk.go(desk.moment - 1),
    Home: () => desk.go(0),
    End: () => desk.go(desk.total),
    "+": () => player.faster(8),
    "-": () => player.faster(-8),
    c: () => desk.complete(),
    s: () => desk.stop(),
    f: () => player.flip(),
    l: () => panels.open("lens"),
    p: () => page.project(),
    "?": () => panels.open("about"),
    Escape: () => panels.close(),
  };
  for (let number = 1; number <= 9; number++) {
    keys[number] = () => number <= desk.takes.length && desk.choose(number - 1);
  }
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    const at = event.target.closest?.("input, select, textarea, [role=slider]");
    const pressed = event.target.closest?.("button, a, summary") && [" ", "Enter"].includes(event.key);
    if (!act || at || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    act();
    event.preventDefault();
  });
}

// What the keys do, by the words that name it; `about` lists them.
export const KEYS = [
  ["space", "player.play"], ["→", "player.step"], ["←", "player.back"], ["+ −", "player.speed"], ["c", "complete"], ["s", "stop"],
  ["f", "player.flip"], ["1 … 9", "player.tiles"], ["l", "lens"], ["p", "projector"], ["?", "about"],
];

// Shortcuts on other keyboards.
import assert from "node:assert/strict";
import test from "node:test";
import { shortcutKey } from "../../web/static/core/keyboard.js";

test("a shortcut's key does not depend on caps lock or on the alphabet", () => {
  for (const [key, code, expected] of [
    ["c", "KeyC", "c"], ["C", "KeyC", "c"], ["ㅊ", "KeyC", "c"], ["Process", "KeyC", "c"], ["с", "KeyC", "c"], // the last one is Cyrillic
    ["٣", "Digit3", "3"], ["Process", "Digit3", "3"],
  ]) assert.equal(shortcutKey({ key, code }), expected, key);
});

test("the key counts, not its place, on another Latin keyboard", () => {
  for (const [key, code] of [["a", "KeyQ"], ["&", "Digit1"], ["?", "Minus"], [" ", "Space"], ["+", "Equal"]]) {
    assert.equal(shortcutKey({ key, code }), key);
  }
  for (const name of ["ArrowLeft", "Home", "Escape", "Shift"]) assert.equal(shortcutKey({ key: name, code: name }), name);
});

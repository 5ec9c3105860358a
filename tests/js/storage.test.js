// Storage is shared by all apps on a host.
import assert from "node:assert/strict";
import test from "node:test";
import { readStorage, writeStorage } from "../../web/static/core/storage.js";

test("an app reads what it wrote, and not what an app in another folder wrote", () => {
  const values = new Map();
  globalThis.sessionStorage = { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) };
  const open = (address) => (globalThis.document = { baseURI: address });
  open("https://host/one/?projector");
  writeStorage("sessionStorage", "key", "one");
  open("https://host/two/");
  assert.equal(readStorage("sessionStorage", "key"), null);
  open("https://host/");
  assert.equal(readStorage("sessionStorage", "key"), null);
  writeStorage("sessionStorage", "key", "root");
  assert.equal(values.get("key"), "root", "at the root, what an earlier version wrote is read");
  open("https://host/one/#1.abc");
  assert.equal(readStorage("sessionStorage", "key"), "one");
});

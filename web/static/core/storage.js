// Reads and writes `localStorage` and `sessionStorage`, which throw if the user has blocked them.

// The folder of the page, because several apps on one host share the storage. At the root, keys are as before.
function scoped(key) {
  const folder = globalThis.document ? new URL(".", document.baseURI).pathname : "/";
  return folder === "/" ? key : `${key} ${folder}`;
}

// area: "localStorage" or "sessionStorage". Returns null for a missing key and if the storage is blocked.
export function readStorage(area, key) {
  try {
    return globalThis[area].getItem(scoped(key));
  } catch {
    return null;
  }
}

// Does nothing if the storage is blocked.
export function writeStorage(area, key, value) {
  try {
    globalThis[area].setItem(scoped(key), value);
  } catch {
    // The value is not remembered.
  }
}

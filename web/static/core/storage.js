// Reads and writes `localStorage` and `sessionStorage`, which throw if the user has blocked them.

// area: "localStorage" or "sessionStorage". Returns null for a missing key and if the storage is blocked.
export function readStorage(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

// Does nothing if the storage is blocked.
export function writeStorage(area, key, value) {
  try {
    globalThis[area].setItem(key, value);
  } catch {
    // The value is not remembered.
  }
}

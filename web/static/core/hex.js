// Numbers as hexadecimal text, which is how the server and the page exchange pixels and probabilities.

// Numbers from text with `digits` hexadecimal digits each (at most 4).
export function fromHex(text, digits) {
  const length = Math.floor(text.length / digits);
  return Uint16Array.from({ length }, (_, index) => parseInt(text.slice(index * digits, (index + 1) * digits), 16));
}

// Bytes as two hexadecimal digits each.
export const toHex = (bytes) => Array.from(bytes, (value) => value.toString(16).padStart(2, "0")).join("");

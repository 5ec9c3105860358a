// What is on the page besides drawing and settings, as text: the completions, what is shown of them, and the undo history.
import { parentOf, setParent } from "../core/completion.js";

const VERSION = 2; // of this format; text of another version is ignored
const MAX_HISTORY = 30;
const ARRAYS = { Uint8Array, Uint16Array, Float32Array };

// JSON in which typed arrays are {array: name of the type, values}.
const toJson = (value) => JSON.stringify(value, (_, each) =>
  ArrayBuffer.isView(each) ? { array: each.constructor.name, values: Array.from(each) } : each);
const fromJson = (text) => JSON.parse(text, (_, each) =>
  each && Object.hasOwn(ARRAYS, each.array) ? ARRAYS[each.array].from(each.values, (value) => value ?? NaN) : each);

export function savePage({ completions, selected, position, drawing }) {
  const states = (list) => list.slice(-MAX_HISTORY).map(({ ink, hidden, cut }) => ({ ink, hidden, cut }));
  return toJson({
    version: VERSION, completions, selected, position,
    parents: completions.map((completion) => completions.indexOf(parentOf(completion))),
    history: states(drawing.history), future: states(drawing.future),
  });
}

// {shown: {completions, selected, position}, history, future} of a text that savePage made on the same page; null otherwise.
export function readPage(text, { size, facts }) {
  try {
    const { version, completions, parents, selected, position, history, future } = fromJson(text);
    const fits = [...completions.map(({ knownInk }) => knownInk), ...[...history, ...future].map(({ ink }) => ink)]
      .every((ink) => ink.length === size);
    if (version !== VERSION || !fits) return null;
    if (!completions.every(({ model }) => facts.models[model])) return { shown: null, history, future };
    parents.forEach((parent, index) => parent >= 0 && setParent(completions[index], completions[parent]));
    return { shown: completions.length ? { completions, selected, position } : null, history, future };
  } catch {
    return null;
  }
}

// Program text that makes the same request as the page, ready to run.

const rows = (values, width, format) => {
  const length = values.length / width;
  return Array.from({ length }, (_, row) => Array.from(values.slice(row * width, (row + 1) * width), format));
};
const hexByte = (value) => value.toString(16).padStart(2, "0");
const table = (lines) => lines.map((line) => line.join("")).join("\n");
const pythonFloat = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));
const shellWord = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

// For Python with gradio_client. state: see link.js; known: 0 or 1 a pixel.
export function pythonSnippet(address, state, known) {
  const { width, model, samples, temperature, seed, digit } = state;
  return `from gradio_client import Client

ink = """
${table(rows(state.ink, width, hexByte))}
"""
known = """
${table(rows(known, width, String))}
"""
answer = Client(${JSON.stringify(address)}, verbose=False).predict(
    drawing=[list(bytes.fromhex(row)) for row in ink.split()],
    known=[[int(pixel) for pixel in row] for row in known.split()],
    model=${JSON.stringify(model)},
    samples=${samples},
    temperature=${pythonFloat(temperature)},
    seed=${seed},
    digit=${digit},
    api_name="/complete",
)
for image in answer["images"]:
    print(*("".join("#" if 2 * level >= answer["levels"] else "." for level in row) for row in image), "", sep="\\n")
`;
}

// For a shell: the first request submits, the second one reads the answer.
export function curlSnippet(address, state, known) {
  const { width, model, samples, temperature, seed, digit } = state;
  const drawing = rows(state.ink, width, Number);
  const body = JSON.stringify({ drawing, known: rows(known, width, Number), model, samples, temperature, seed, digit });
  const url = shellWord(`${address.replace(/\/$/, "")}/gradio_api/call/v2/complete`);
  return `curl -s ${url} -H 'Content-Type: application/json' -d ${shellWord(body)} |
  awk -F '"' '{print $4}' | xargs -I ID curl -sN ${url}/ID
`;
}

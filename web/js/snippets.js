// The same request as a program would make it: what stands here works as it stands.

const rows = (values, width, text) =>
  Array.from({ length: values.length / width }, (_, row) => Array.from(values.slice(row * width, (row + 1) * width), text));
const hex = (value) => value.toString(16).padStart(2, "0");
const table = (lines) => lines.map((line) => line.join("")).join("\n");
const whole = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));

// For gradio_client. state: see link.js; known: 0 or 1 a pixel.
export function pythonOf(address, state, known) {
  const { width, model, samples, temperature, seed, digit } = state;
  return `from gradio_client import Client

ink = """
${table(rows(state.ink, width, hex))}
"""
known = """
${table(rows(known, width, String))}
"""
answer = Client(${JSON.stringify(address)}, verbose=False).predict(
    drawing=[list(bytes.fromhex(row)) for row in ink.split()],
    known=[[int(pixel) for pixel in row] for row in known.split()],
    model=${JSON.stringify(model)},
    samples=${samples},
    temperature=${whole(temperature)},
    seed=${seed},
    digit=${digit},
    api_name="/complete",
)
for image in answer["images"]:
    print(*("".join("#" if 2 * level >= answer["levels"] else "." for level in row) for row in image), "", sep="\\n")
`;
}

// For a shell: one request asks, the next hears the answer.
export function curlOf(address, state, known) {
  const { width, model, samples, temperature, seed, digit } = state;
  const drawing = rows(state.ink, width, Number);
  const body = JSON.stringify({ drawing, known: rows(known, width, Number), model, samples, temperature, seed, digit });
  const door = quoted(`${address.replace(/\/$/, "")}/gradio_api/call/v2/complete`);
  return `curl -s ${door} -H 'Content-Type: application/json' -d ${quoted(body)} |
  awk -F '"' '{print $4}' | xargs -I ID curl -sN ${door}/ID
`;
}

// As one word of a shell, whatever is in it.
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

"""What goes between the page and its server for a completion, both ways: questions in, messages out.

The browser owns the clock; the server only sends, and everything it sends is cumulative, so that a message that is skipped
loses nothing, in strings that only ever grow, so that Gradio sends what was appended alone.
"""

import numpy as np

from pixelcnn import BadInput, Request, Trace
from pixelcnn.canvas import decode

MOST_PARTS = 4


def question(data: object) -> tuple[str, list[dict]]:
    """The run's name and its parts, from what the page sent: {"run", "parts": [{"drawing", "model", ...}, ...]}.

    Raises BadInput for anything else: anyone can send anything.
    """
    parts = data.get("parts") if isinstance(data, dict) else None
    if (
        not isinstance(parts, list)
        or not 1 <= len(parts) <= MOST_PARTS
        or not all(isinstance(part, dict) for part in parts)
    ):
        raise BadInput(f"The page sent no question; expected 1 to {MOST_PARTS} parts, reload the page and try again.")
    run = data.get("run")
    return (run if isinstance(run, str) and len(run) <= 40 else ""), parts


def request_of(part: dict, height: int, width: int) -> Request:
    """One part of a question as a request for a model of that size; raises BadInput where the drawing is none."""
    ink, known = decode(part.get("drawing"), height, width)
    asked = {name: part.get(name) for name in ("samples", "temperature", "seed")}
    return Request(ink, known, **asked, digit=part.get("digit", -1))


def refusal(run: str) -> dict:
    """What tells the page that nothing will come of a run; the sentence comes beside it."""
    return {"run": run, "parts": [], "refused": True}


def message(run: str, traces: list[Trace | None], waited_ms: list[float]) -> dict:
    """Traces of a question's parts as the page wants them; a part that has not begun is not there yet.

    drawn: ink of each sample's filled pixels, two hex digits each, in the order of filling. given: the probabilities of
    those levels, four hex digits each, 65535 is one. bits and known_bits: surprise at temperature 1, in 1/1000 bit.
    """
    begun = [(trace, ms) for trace, ms in zip(traces, waited_ms, strict=True) if trace is not None]
    return {"run": run, "parts": [part_of(trace, ms) for trace, ms in begun]}


def part_of(trace: Trace, ms: float) -> dict:
    ink = (trace.x[:, trace.filled] * 255 / (trace.levels - 1)).round().astype(np.uint8)
    given = (trace.probabilities * 65535).round()
    bits = trace.pixel_nats[:, trace.filled] / np.log(2) * 1000
    known_bits = -np.log2(np.maximum(trace.known_probabilities, 1e-19)) * 1000
    return {
        "model": trace.model,
        "levels": trace.levels,
        "order": trace.order.tolist(),
        "drawn": [row.tobytes().hex() for row in ink],
        "given": [words_of(row) for row in given],
        "bits": [words_of(row) for row in bits],
        "known_order": trace.known_order.tolist(),
        "known_bits": words_of(known_bits),
        "nats": trace.nats.round(2).tolist() if trace.finished else [],
        "digits": trace.digits.tolist(),
        "steps": trace.steps,
        "ms": round(ms, 1),
    }


def words_of(values: np.ndarray) -> str:
    """Numbers 0..65535 as four hex digits each."""
    return values.round().clip(0, 65535).astype(">u2").tobytes().hex()

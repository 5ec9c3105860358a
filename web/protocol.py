"""The messages between page and server for a completion: decoding of drawings and requests, encoding of results.

The browser controls the animation; the server only sends. Every message is cumulative, so the browser can skip any. All
data are strings that only grow, so Gradio transfers only what was appended.
"""

import re

import numpy as np

from pixelcnn import InputError, Request, SamplingResult
from pixelcnn.analysis.anatomy import PixelAnatomy
from pixelcnn.analysis.memory_view import MemoryView

MAX_PARTS = 5
MAX_PICTURES = 64
MAX_RUN_LENGTH = 40


def decode_drawing(payload: object, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The canvas's {"ink": two hex digits a pixel, "known": 0 or 1 a pixel} as ink uint8 (H, W) and known bool (H, W).

    Raises InputError for everything else.
    """
    size = height * width
    if not isinstance(payload, dict) or not all(isinstance(payload.get(name), str) for name in ("ink", "known")):
        raise InputError(
            "drawing_missing",
            "The request has no drawing of {pixels} pixels. Reload the page and draw again.",
            pixels=size,
        )
    ink, known = payload["ink"], payload["known"]
    if len(ink) != 2 * size or len(known) != size:
        raise InputError(
            "drawing_wrong_size",
            "The drawing has {ink} ink values and {known} known values; expected {pixels} of each. "
            "Reload the page and draw again.",
            ink=len(ink) // 2,
            known=len(known),
            pixels=size,
        )
    if not re.fullmatch("[0-9a-f]*", ink) or not re.fullmatch("[01]*", known):
        raise InputError(
            "drawing_not_hex",
            "The drawing has invalid characters; expected hex digits for ink, and 0 or 1 for known, of {pixels} pixels. "
            "Reload the page and draw again.",
            pixels=size,
        )
    pixels = np.frombuffer(bytes.fromhex(ink), np.uint8).reshape(height, width)
    return pixels, np.array([bit == "1" for bit in known]).reshape(height, width)


def decode_pictures(payload: object, height: int, width: int) -> np.ndarray:
    """Pictures of two hex digits of ink a pixel as uint8 (N, H, W). Raises InputError for anything else than 1 to 64."""
    pattern = f"[0-9a-f]{{{2 * height * width}}}"
    given = [each for each in payload if isinstance(each, str)] if isinstance(payload, list) else []
    whole = 1 <= len(given) <= MAX_PICTURES and given == payload
    if not whole or not all(re.fullmatch(pattern, each) for each in given):
        raise InputError(
            "pictures_missing",
            "The request has no list of 1 to {maximum} pictures of {height} x {width} pixels. Reload the page.",
            maximum=MAX_PICTURES,
            height=height,
            width=width,
        )
    return np.frombuffer(bytes.fromhex("".join(given)), np.uint8).reshape(-1, height, width)


def decode_run(run: object) -> str:
    """The identifier of a run; "" for anything else than a short string."""
    return run if isinstance(run, str) and len(run) <= MAX_RUN_LENGTH else ""


def decode_parts(parts: object) -> list[dict]:
    """The parts of a run, [{"drawing", "model", "samples", "temperature", "seed", "digit"}, ...].

    Raises InputError for anything else than a list of 1 to MAX_PARTS objects.
    """
    if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_PARTS or not all(isinstance(part, dict) for part in parts):
        raise InputError(
            "parts_missing",
            "The request does not consist of 1 to {maximum} parts. Reload the page and try again.",
            maximum=MAX_PARTS,
        )
    return parts


def decode_entry(model: object) -> str:
    """The model that a request names, "" (the default) if it names none. Raises InputError if it is not a string."""
    if model is None:
        return ""
    if not isinstance(model, str):
        raise InputError(
            "model_not_text",
            "model has type {type}; expected the name of a model as a string, or an empty string for the default.",
            type=type(model).__name__,
        )
    return model


def decode_request(part: dict, height: int, width: int) -> Request:
    """A part of a message as a request for a model of that size. Raises InputError if the drawing is invalid."""
    ink, known = decode_drawing(part.get("drawing"), height, width)
    options = {name: part.get(name) for name in ("samples", "temperature", "seed")}
    return Request(ink, known, **options, digit=part.get("digit", -1), first_sample=part.get("first_sample", 0))


def encode_rejection(run: str, error: InputError) -> dict:
    """The message that a run yields no results, and why: the page shows a sentence for the error's code in its language."""
    reason = {"message": str(error), "code": error.code, "params": error.params}
    return {"run": run, "parts": [], "rejected": True, "error": reason}


def encode_results(run: str, results: list[SamplingResult | None], elapsed_ms: list[float]) -> dict:
    """The message with the newest result of every part (`encode_result`); parts without a result yet are left out."""
    parts = [
        {"part": index, **encode_result(result, ms)}
        for index, (result, ms) in enumerate(zip(results, elapsed_ms, strict=True))
        if result is not None
    ]
    return {"run": run, "parts": parts}


def encode_result(result: SamplingResult, ms: float) -> dict:
    """A result as the player reads it.

    drawn: ink of the filled pixels of each sample, two hex digits each, in the order of sampling. given: the probability of
    each of these levels, four hex digits, 65535 is 1. noise: the random number that drew each of them, rounded down to
    1/65536. bits, known_bits: surprise at temperature 1, in 1/1000 bit.
    """
    ink = (result.x[:, result.filled] * 255 / (result.levels - 1)).round().astype(np.uint8)
    bits = result.pixel_nats[:, result.filled] / np.log(2) * 1000
    known_bits = -np.log2(np.maximum(result.known_probabilities, 1e-19)) * 1000
    return {
        "model": result.model,
        "levels": result.levels,
        "order": result.order.tolist(),
        "drawn": [row.tobytes().hex() for row in ink],
        "given": [hex16(row) for row in result.probabilities * 65535],
        "noise": [hex16(np.floor(row)) for row in result.noise[:, result.filled] * 65536],
        "bits": [hex16(row) for row in bits],
        "known_order": result.known_order.tolist(),
        "known_bits": hex16(known_bits),
        "nats": result.nats.round(2).tolist() if result.finished else [],
        "digits": result.digits.tolist(),
        "steps": result.steps,
        "ms": round(ms, 1),
    }


def encode_anatomy(anatomy: PixelAnatomy, neighborhood: tuple[tuple[int, int], ...]) -> dict:
    """The anatomy of a pixel as the page reads it; see `PixelAnatomy`.

    neighborhood: the offsets (rows, columns) that the first masked layers read. attribution: of all pixels in raster order.
    """
    rounded = {
        name: [float(f"{value:.5g}") for value in np.ravel(getattr(anatomy, name))]
        for name in ("attribution", "probabilities", "nats")
    }
    exact = {name: getattr(anatomy, name) for name in ("prediction", "noise", "level", "digit", "digit_nats")}
    return {"neighborhood": neighborhood, **exact, **rounded}


def encode_memory(view: MemoryView) -> dict:
    """The view of a memory as the page reads it: its numbers, and its tables by name.

    A table is {"shape", "max", "values": four hex digits each, 65535 is the maximum}; none has negative numbers.
    """
    encoded: dict = {}
    for name, value in vars(view).items():
        if isinstance(value, np.ndarray):
            largest = float(value.max())
            encoded[name] = {"shape": value.shape, "max": largest, "values": hex16(value.ravel() * 65535 / (largest or 1))}
        else:
            encoded[name] = value
    return encoded


def hex16(values: np.ndarray) -> str:
    """Numbers, rounded and clipped to 0..65535, as four hex digits each."""
    return values.round().clip(0, 65535).astype(">u2").tobytes().hex()

"""What the player is told: a trace, as small as it can be. The browser owns the clock; the server only sends."""

import numpy as np

from pixelcnn import Trace


def message(run: object, trace: Trace) -> dict:
    """A trace as player.js wants it: cumulative, so that a message that is skipped loses nothing, and in strings that
    only ever grow, so that Gradio sends what was appended alone.

    run: which request this answers, as the page named it, returned as it came.
    drawn and given: levels and probabilities of each sample's filled pixels, in the order of filling, as two hex digits
    each; a probability of 255 is one.
    """
    ink = (trace.x[:, trace.filled] * 255 / (trace.levels - 1)).round().astype(np.uint8)
    given = (trace.probabilities * 255).round().astype(np.uint8)
    return {
        "run": run if isinstance(run, str) and len(run) <= 40 else "",
        "model": trace.model,
        "seed": trace.seed,
        "order": trace.order.tolist(),
        "drawn": [row.tobytes().hex() for row in ink],
        "given": [row.tobytes().hex() for row in given],
        "nats": trace.nats.round(2).tolist() if trace.finished else [],
    }

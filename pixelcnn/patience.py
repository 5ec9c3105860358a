"""Work that may hang, given up after a while: the Hub's own client tries again for minutes on a silent network."""

import threading
from collections.abc import Callable
from typing import TypeVar

from pixelcnn.errors import BadInput

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T], what: str, instead: str, error: type[BadInput] = BadInput) -> T:
    """The outcome of work, or `error` with a sentence: what could not be had, why, and what to do instead."""
    outcome = {}

    def run() -> None:
        try:
            outcome["value"] = work()
        except Exception as caught:  # whatever went wrong is told from the waiting thread
            outcome["error"] = caught

    thread = threading.Thread(target=run, name="patience", daemon=True)
    thread.start()
    thread.join(seconds)
    if "value" in outcome:
        return outcome["value"]
    caught = outcome.get("error")
    if isinstance(caught, BadInput):
        raise caught
    reason = type(caught).__name__ if caught else f"no answer within {seconds:g} s"
    raise error(f"{what} could not be had ({reason}); {instead}.")

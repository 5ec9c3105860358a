"""The interface of a backend, its counters, and the limits beyond which it refuses requests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pixelcnn.errors import InputError, UnavailableError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import ClassChoice, Request
from pixelcnn.sampling.result import Job
from pixelcnn.serving.completion import Completion

MIN_PIXELS_PER_S = 1000  # assumed for the expected wait before the speed has been measured


@dataclass(frozen=True)
class Limits:
    """What one server accepts."""

    samples: int = 64  # pictures per request
    slots: int = 128  # pictures that advance at the same time
    waiting: int = 512  # pictures that wait for a slot; further requests are refused with the expected wait
    admitted_per_tick: int = 4  # requests admitted between two steps; each needs a full pass, which delays all others
    frame_s: float = 0.1  # minimum time between two frames of a completion; longer if a worker has many
    reader_timeout_s: float = 30.0  # a completion that is not read for longer is cancelled


@dataclass
class Counters:
    """Load and history of a server."""

    active: int = 0  # pictures in slots
    waiting: int = 0  # pictures without a slot
    pixels_left: int = 0  # of both
    completed: int = 0  # requests since the start
    cancelled: int = 0
    failed: int = 0
    pixels_per_s: float = 0.0  # moving average over the last busy seconds
    ms_per_tick: float = 0.0


class Backend(Protocol):
    """Runs requests. All methods can be called from any thread."""

    limits: Limits

    @property
    def models(self) -> Callable[[str], AutoregressiveModel]:
        """Gives a model by its entry, "" for the default, loading it if necessary. Raises InputError."""

    def submit(self, request: Request, entry: str = "") -> Completion:
        """Start a request.

        Raises InputError for an invalid request, WeightsError if the weights cannot be loaded, and UnavailableError if the
        server is busy or stopping.
        """

    def counters(self) -> dict[str, int | float]:
        """The current `Counters` as a dict."""

    def close(self) -> None:
        """Stop. Completions in progress fail with UnavailableError."""


def default_request(model: AutoregressiveModel, max_samples: int) -> Request:
    """What the page asks for if nothing is set, on blank paper: used once at the start, for what PyTorch initializes."""
    height, width = model.config.height, model.config.width
    known = [[int(row < height // 2)] * width for row in range(height)]
    digit = ClassChoice.SAMPLED if model.classes else ClassChoice.NONE
    return Request(known=known, samples=min(4, max_samples), digit=digit)


def check_samples(samples: int, limits: Limits) -> None:
    """Raises InputError if a request is larger than the server accepts."""
    if samples > limits.samples:
        raise InputError(
            "too_many_samples",
            "samples is {samples}. This server accepts at most {maximum} per request.",
            samples=samples,
            maximum=limits.samples,
        )


def busy_error(active: int, wait_s: int) -> UnavailableError:
    return UnavailableError(
        "server_busy",
        "The server is busy ({active} pictures in progress). Try again in {wait} s.",
        active=active,
        wait=wait_s,
    )


def completion_error(job: Job) -> UnavailableError:
    return UnavailableError(
        "completion_failed", "{model} failed on this drawing. Try again, or choose another model.", model=job.result.model
    )


def stopping_error() -> UnavailableError:
    return UnavailableError("server_stopping", "The server is stopping. Try again when it is back.")

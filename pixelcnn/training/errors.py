"""The error that ends a training run with a sentence."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError


class TrainingError(Exception):
    """A run that cannot start or continue. The message says what happened, what was expected and what to do next."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns errors of writing a file, such as a full disk, into a TrainingError. The file is written atomically."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{path} cannot be written ({error}). Earlier files are unchanged. Free disk space or choose another folder, "
            "then start the same command again: training resumes from its last checkpoint."
        ) from None

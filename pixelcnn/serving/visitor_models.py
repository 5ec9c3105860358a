"""Models whose weights visitors brought. Each is known to its visitor only, and is freed when it is no longer renewed."""

import hashlib
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pixelcnn.errors import UnavailableError, WeightsError
from pixelcnn.hub.files import load_file
from pixelcnn.models.base import AutoregressiveModel

LEASE_S = 180.0  # without being renewed; browsers delay the timers of a page in the background by up to a minute
MAX_MODELS = 8
MAX_NAME_LENGTH = 20


@dataclass
class Lease:
    """A model and when it was renewed."""

    model: AutoregressiveModel
    renewed: float


class VisitorModels:
    """Models by entry. An entry cannot be guessed, so it also is the permission to use the model. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """clock: seconds."""
        self._clock = clock
        self._leases: dict[str, Lease] = {}
        self._lock = threading.Lock()

    def add(self, data: bytes, name: str, size: tuple[int, int], device: torch.device) -> tuple[str, str]:
        """Load a safetensors file, after the checks of every weights file, and return its entry and its sha256.

        name: of the file, for messages and the entry. size: (height, width) of the page's pictures. Raises WeightsError,
        and UnavailableError if there are MAX_MODELS models.
        """
        self.check_room()
        with tempfile.TemporaryDirectory(prefix="pixelcnn-weights-") as folder:
            path = Path(folder) / "weights.safetensors"
            path.write_bytes(data)
            try:
                model = load_file(path)
            except WeightsError as error:  # the message names the visitor's file
                raise error.with_params(path=name) from None
        if (model.config.height, model.config.width) != size:
            raise WeightsError(
                "visitor_weights_size",
                "{path} draws {height} x {width} pixels. This page needs {page_height} x {page_width}.",
                path=name,
                height=model.config.height,
                width=model.config.width,
                page_height=size[0],
                page_width=size[1],
            )
        stem = re.sub(r"[^\w-]", "", name.removesuffix(".safetensors"))[:MAX_NAME_LENGTH] or "weights"
        model.entry = f"{stem}-{secrets.token_hex(6)}"
        lease = Lease(model.to(device), self._clock())
        with self._lock:
            self._leases[model.entry] = lease
        return model.entry, hashlib.sha256(data).hexdigest()

    def check_room(self) -> None:
        """Raises UnavailableError if there are MAX_MODELS models."""
        self.expire()
        if len(self._leases) >= MAX_MODELS:
            raise UnavailableError(
                "visitor_weights_full",
                "This server keeps at most {maximum} weights files of visitors. Reload the page to free yours, or wait "
                "until others leave.",
                maximum=MAX_MODELS,
            )

    def get(self, entry: str) -> AutoregressiveModel | None:
        """The model of an entry, None if there is none."""
        lease = self._leases.get(entry) if isinstance(entry, str) else None
        return lease.model if lease else None

    def renew(self, entries: list[str]) -> list[str]:
        """Keep the models of some entries for another LEASE_S seconds. Returns those that exist."""
        found = [entry for entry in entries if entry in self._leases]
        for entry in found:
            self._leases[entry].renewed = self._clock()
        return found

    def remove(self, entries: list[str]) -> None:
        """Free the models of some entries. Pictures in progress are finished."""
        with self._lock:
            for entry in entries:
                self._leases.pop(entry, None)

    def expire(self) -> None:
        """Free the models that have not been renewed for LEASE_S seconds."""
        latest = self._clock() - LEASE_S
        self.remove([entry for entry, lease in list(self._leases.items()) if lease.renewed < latest])

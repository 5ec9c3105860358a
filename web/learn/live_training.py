"""One training run that visitors watch: a process of `pixelcnn.training.live`, and the weights it has written so far.

The process has the lowest priority and is stopped (SIGSTOP) while completions are computed. Only the visitor who started a
run can pause or end it; it ends by itself after a few minutes.
"""

import hmac
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pixelcnn import InputError, complete
from pixelcnn.hub.files import load_file
from pixelcnn.sampling.request import whole_number
from web.errors import ForbiddenError

CHANNELS, BLOCKS, MINUTES = (8, 32), (1, 8), (1, 3)  # smallest and largest
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
MIN_PICTURES = 20  # of the class wall; the network memorizes fewer within seconds
MAX_WALL_S = 900.0  # then a run ends, also one that was paused
POLL_S = 0.2  # between two looks at whether completions are in progress
CAN_PAUSE = hasattr(signal, "SIGSTOP")


@dataclass
class LiveRun:
    """A run in progress or ended."""

    process: subprocess.Popen
    folder: tempfile.TemporaryDirectory
    options: dict[str, int | float | str]
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    paused: bool = False  # by the visitor
    suspended: bool = False  # whether the process is stopped at this moment

    @property
    def path(self) -> Path:
        return Path(self.folder.name)

    @property
    def state(self) -> str:
        status = self.process.poll()
        if status is None:
            return "paused" if self.paused else "running"
        return "failed" if status else "finished"

    def suspend(self, wanted: bool) -> None:
        """Stop or continue the process, where the operating system can."""
        if CAN_PAUSE and wanted != self.suspended and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP if wanted else signal.SIGCONT)
            self.suspended = wanted

    def end(self) -> None:
        """Let the process write its last weights and end."""
        if self.process.poll() is None:
            self.process.terminate()
            self.suspend(False)  # a stopped process does not receive the signal


class LiveTraining:
    """The run of a server, if there is one. Methods can be called from any thread."""

    def __init__(self, busy: Callable[[], bool]):
        """busy: whether completions are in progress."""
        self.busy = busy
        self.run: LiveRun | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def start(
        self, channels: object, blocks: object, lr: object, minutes: object, pictures: np.ndarray | None = None
    ) -> LiveRun:
        """Start a run in place of one that has ended. Raises InputError if one is in progress, or for bad options.

        pictures: ink (N, 28, 28) to train on, in place of the bundled digits.
        """
        options = {
            "channels": whole_number(channels, "channels", *CHANNELS),
            "blocks": whole_number(blocks, "blocks", *BLOCKS),
            "minutes": whole_number(minutes, "minutes", *MINUTES),
            "lr": check_rate(lr),
        }
        check_pictures(pictures)
        with self._lock:
            if self.run and self.run.process.poll() is None:
                raise InputError(
                    "learn_in_progress", "Another visitor is training on this server. Watch, or wait for the end."
                )
            self._discard()
            folder = tempfile.TemporaryDirectory(prefix="pixelcnn-learn-", ignore_cleanup_errors=True)
            arguments = [text for name, value in options.items() for text in (f"--{name}", f"{value:g}")]
            if pictures is not None:
                np.save(Path(folder.name) / "pictures.npy", pictures)
                arguments += ["--pictures", str(Path(folder.name) / "pictures.npy")]
            command = [sys.executable, "-m", "pixelcnn.training.live", folder.name, *arguments]
            with (Path(folder.name) / "log").open("wb") as log:
                # In a group of its own, a stopped process is continued by the kernel when the server is killed.
                group = 0 if CAN_PAUSE else -1
                process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=group)
            self.run = LiveRun(process, folder, options | {"data": "digits" if pictures is None else "wall"})
            threading.Thread(target=self._watch, args=(self.run,), name="learn", daemon=True).start()
            return self.run

    def control(self, action: object, key: object) -> None:
        """Carry out "pause", "resume" or "stop". Raises InputError, ForbiddenError."""
        run = self.current()
        if not isinstance(key, str) or not hmac.compare_digest(key.encode(errors="replace"), run.key.encode()):
            raise ForbiddenError("learn_not_yours", "Only the visitor who started this training can pause or end it.")
        if action == "stop":
            run.end()
        elif action in ("pause", "resume"):
            run.paused = action == "pause"
        else:
            raise InputError(
                "unknown_learn_action",
                "Training has no action {action}. Use start, pause, resume or stop.",
                action=repr(str(action)[:20]),
            )

    def current(self) -> LiveRun:
        """The run. Raises InputError if there is none."""
        if self.run is None:
            raise InputError("learn_not_started", "Nothing has been trained on this server yet. Start a training first.")
        return self.run

    def points(self) -> list[dict[str, float]]:
        """What the run has measured: step, train_nats, valid_nats, seconds of computing time."""
        path = self.run.path / "metrics.jsonl" if self.run else None
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path and path.exists() else []

    def weights(self, step: object = None) -> Path:
        """The weights after a step that `points` lists, by default the last. Raises InputError."""
        steps = [int(point["step"]) for point in self.points()]
        wanted = steps[-1] if steps and step is None else step
        if wanted not in steps:
            raise InputError(
                "learn_no_such_step",
                "There are no weights of step {step}. Choose one of the points of the curve.",
                step=repr(str(step)[:20]),
            )
        return self.current().path / f"step-{wanted}.safetensors"

    def complete(self, step: object, ink: np.ndarray, known: np.ndarray, seed: object) -> tuple[int, np.ndarray, float]:
        """The step, the ink (H, W) of a completion by its weights, and its nats. Raises InputError."""
        path = self.weights(step)
        result = complete(load_file(path), ink, known, seed=whole_number(seed, "seed", 0, 2**32 - 1))
        picture = (result.images[0] * 255).astype(np.uint8)
        return int(path.stem.removeprefix("step-")), picture, float(result.nats[0])

    def close(self) -> None:
        """End the run and delete its files."""
        self._closed.set()
        with self._lock:
            self._discard()

    def _discard(self) -> None:
        if self.run:
            self.run.process.kill()
            self.run.process.wait()
            self.run.folder.cleanup()
            self.run = None

    def _watch(self, run: LiveRun) -> None:
        """Stop the process while completions are in progress or the visitor paused it, and end it when its time is over."""
        while run.process.poll() is None and not self._closed.wait(POLL_S):
            if time.monotonic() - run.started > MAX_WALL_S:
                run.end()
            else:
                run.suspend(run.paused or self.busy())


def check_pictures(pictures: np.ndarray | None) -> None:
    """Raises InputError if there are pictures but not enough."""
    if pictures is not None and len(pictures) < MIN_PICTURES:
        raise InputError(
            "learn_few_pictures",
            "{count} pictures on the wall may be used for training. It needs at least {minimum}.",
            count=len(pictures),
            minimum=MIN_PICTURES,
        )


def check_rate(lr: object) -> float:
    """One of RATES. Raises InputError."""
    if lr not in RATES:
        raise InputError(
            "learn_rate_unknown",
            "The learning rate is {given}. Choose one of {rates}.",
            given=repr(str(lr)[:20]),
            rates=", ".join(f"{rate:g}" for rate in RATES),
        )
    return next(rate for rate in RATES if rate == lr)

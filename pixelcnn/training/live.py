"""Train a small PixelCNN while people watch: `python -m pixelcnn.training.live FOLDER --minutes 1`.

It trains on the bundled digits, or on pictures in a file, of which it holds out every fifth.

A process of its own, which a server starts, pauses with SIGSTOP and ends with SIGTERM. If the server is killed, it ends too
and deletes FOLDER. It trains with the trainer of
train.py on one thread of the lowest priority. About every two seconds it writes to FOLDER the weights so far,
`step-N.safetensors`, and a line of `metrics.jsonl`, in that order.
"""

import argparse
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import torch

from pixelcnn.data import Digits, load_splits
from pixelcnn.evaluate import mean_nats
from pixelcnn.hub.files import save_weights
from pixelcnn.training.batches import batches_from
from pixelcnn.training.errors import TrainingError
from pixelcnn.training.options import Options
from pixelcnn.training.report import Metrics
from pixelcnn.training.trainer import Trainer

SNAPSHOT_S = 2.0  # of computing time, which does not run while the process is paused
VALIDATION_PICTURES = 200
DATASET = "bundled-digits"
WALL_DATASET = "class-wall"  # what weights trained on a file of pictures say about their data
HOLD_OUT = 5  # every fifth picture of a file
MAX_BATCH = 32
NICENESS = 19


def load_data(pictures: Path | None) -> tuple[Digits, Digits]:
    """Digits to train on and to validate on: the bundled ones, or those of a .npy file of ink, uint8 (N, 28, 28).

    Raises ValueError for fewer than HOLD_OUT pictures.
    """
    if pictures is None:
        train, valid = load_splits(DATASET, None, ("train", "valid"))
        return train, valid
    ink = np.load(pictures, allow_pickle=False)
    if len(ink) < HOLD_OUT:
        raise ValueError(f"{pictures} holds {len(ink)} pictures; give at least {HOLD_OUT}.")
    held_out = np.arange(len(ink)) % HOLD_OUT == HOLD_OUT - 1
    parts = [ink[~held_out], ink[held_out]]
    train, valid = (Digits(part, np.full(len(part), -1), WALL_DATASET) for part in parts)
    return train, valid


def live_options(
    folder: Path, *, channels: int, blocks: int, lr: float, minutes: float, batch: int = MAX_BATCH, dataset: str = DATASET
) -> Options:
    """The options of a run in a folder. Raises ValueError for a value out of range."""
    return Options(
        model="pixelcnn",
        out=folder / "last.safetensors",
        run=folder,
        dataset=dataset,
        batch=batch,
        shift=2 if dataset == WALL_DATASET else 0,  # there are few pictures
        device="cpu",
        minutes=minutes,
        config=f"channels={channels},blocks={blocks},kernel=5,batch_norm=1",
        optimizer="muon",
        lr=lr,
        lr_decay_frac=0.5,
        ema_decay=0.98,
    )


class LiveRun:
    """A trainer, its data and its snapshots."""

    def __init__(self, options: Options, digits: Digits, valid: Digits):
        self.options, self.digits, self.valid = options, digits, valid
        self.trainer = Trainer(options)
        self.trainer.use_pictures(digits)
        self.index = np.arange(min(VALIDATION_PICTURES, len(valid)))
        self.metrics = Metrics(options.run_folder / "metrics.jsonl", 0)
        self.recent: list[torch.Tensor] = []  # nats of the steps since the last snapshot
        self.stopped = False
        self.parent = os.getppid()

    @property
    def orphaned(self) -> bool:
        """Whether the process that started this one has ended."""
        return os.getppid() != self.parent

    def train(self) -> None:
        """Train until the time is over or `stopped` is set, with a snapshot before the first step and after the last.

        Raises TrainingError for numbers that are not finite.
        """
        started = last = time.process_time()
        self.snapshot(0.0)
        for batch in batches_from(0, self.digits, self.options):
            now = time.process_time()
            self.trainer.set_progress(self.trainer.step, (now - started) / 60)
            if self.stopped or self.orphaned or self.trainer.minutes >= self.options.minutes:
                break
            self.recent.append(self.trainer.train_step(batch))
            if now - last >= SNAPSHOT_S:
                self.snapshot(now - started)
                last = now
        self.snapshot(time.process_time() - started)

    def snapshot(self, seconds: float) -> None:
        self.trainer.check_finite()
        step = self.trainer.step
        valid = mean_nats(self.trainer.ema, self.valid, self.index)
        train = torch.stack(self.recent).mean().item() if self.recent else valid
        save_weights(self.trainer.ema, self.options.run_folder / f"step-{step}.safetensors", dataset=self.digits.dataset)
        self.metrics.append(step=step, train_nats=round(train, 3), valid_nats=round(valid, 3), seconds=round(seconds, 1))
        self.recent = []


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="for weights and metrics")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--minutes", type=float, default=1.0, help="of computing time")
    parser.add_argument("--pictures", type=Path, help="a .npy file of ink to train on, in place of the bundled digits")
    arguments = vars(parser.parse_args(argv))
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    torch.set_num_threads(1)
    try:
        digits, valid = load_data(arguments.pop("pictures"))
        options = live_options(**arguments, batch=min(MAX_BATCH, len(digits)), dataset=digits.dataset)
        run = LiveRun(options, digits, valid)
        for name in ("SIGTERM", "SIGHUP"):  # the second comes if the server is killed while this process is stopped
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda *_: setattr(run, "stopped", True))
        run.train()
        if run.orphaned:
            shutil.rmtree(run.options.run_folder, ignore_errors=True)
    except (TrainingError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()

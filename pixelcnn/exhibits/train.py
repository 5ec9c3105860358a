"""Train an exhibit: `python -m pixelcnn.exhibits.train dcgan --data DIR --out weights/dcgan.safetensors`.

A run that was killed resumes from its last checkpoint if it is started again with the same command, and ends with the same
weights: batch order, shifts and noise are functions of --seed and the step. The folder --run holds the checkpoint,
metrics.jsonl and samples.png, with completions of validation digits.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from pixelcnn.atomic import write_atomically
from pixelcnn.data import DATASETS, Digits, load_splits
from pixelcnn.data.dataset import shift_images
from pixelcnn.errors import InputError
from pixelcnn.exhibits import EXHIBITS, build
from pixelcnn.hub.files import save_weights
from pixelcnn.images import contact_sheet
from pixelcnn.training.batches import epoch_index
from pixelcnn.training.checkpoint import check_identity, restore_optimizer, with_prefix
from pixelcnn.training.errors import TrainingError, writing
from pixelcnn.training.options import parse_config
from pixelcnn.training.report import Metrics
from pixelcnn.training.run import checked_out_commit, prepare_folders

SAMPLES = 16  # completions in samples.png
CUT = 14  # their known rows


class Run:
    """An exhibit, its optimizers and its data. Raises TrainingError, ValueError or OSError for unusable options."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        torch.manual_seed(options.seed)
        if options.threads:
            torch.set_num_threads(options.threads)
        prepare_folders(options.out, options.run)
        self.exhibit = build(options.exhibit, **parse_config(options.config, options.exhibit, EXHIBITS))
        size = (self.exhibit.config.height, self.exhibit.config.width)
        self.digits, self.valid = load_splits(options.dataset, options.data, ("train", "valid"), size)
        if options.batch > len(self.digits):
            raise ValueError(f"--batch is {options.batch} and there are {len(self.digits)} pictures; give at most that.")
        self.training = EXHIBITS[options.exhibit][2](self.exhibit)
        self.checkpoint_path = options.run / "checkpoint.safetensors"
        self.facts = {"model": options.exhibit, "config": asdict(self.exhibit.config), "dataset": options.dataset}
        self.facts |= {"batch": options.batch, "shift": options.shift, "seed": options.seed}
        self.facts |= {"pictures": len(self.digits), "ink_sha256": self.digits.fingerprint()}
        self.step, self.seconds = 0, 0.0
        self.resume()
        self.metrics = Metrics(options.run / "metrics.jsonl", self.step, required=("step",))

    def train(self) -> None:
        """All steps, with a checkpoint after every --checkpoint-every of them and after the last. Raises TrainingError."""
        options = self.options
        started = time.monotonic() - self.seconds
        recent: list[dict[str, Tensor]] = []
        for step in tqdm(range(self.step, options.steps), initial=self.step, total=options.steps, unit="step"):
            torch.manual_seed(options.seed * 1_000_003 + step)
            with torch.autocast("cpu", torch.bfloat16):
                recent.append(self.training.step(pictures_at(step, self.digits, options)))
            self.step = step + 1
            if self.step % options.checkpoint_every == 0 or self.step == options.steps:
                self.seconds = time.monotonic() - started
                self.checkpoint(
                    {name: torch.stack([losses[name] for losses in recent]).mean().item() for name in recent[0]}
                )
                recent = []

    def checkpoint(self, losses: dict[str, float]) -> None:
        """Log the mean losses and replace the checkpoint. Raises TrainingError for numbers that are not finite."""
        tensors = {f"model.{name}": value for name, value in self.exhibit.state_dict().items()}
        for prefix, optimizer in self.training.optimizers.items():
            for name, parameter in self.exhibit.named_parameters():
                tensors |= {f"{prefix}.{key}.{name}": value for key, value in optimizer.state.get(parameter, {}).items()}
        bad = [name for name, loss in losses.items() if not np.isfinite(loss)]
        bad += [name for name, value in tensors.items() if not value.isfinite().all()]
        if bad:
            raise TrainingError(
                f"Training stopped: {bad[0]} is not finite at step {self.step}. The last checkpoint and weights are kept. "
                "Start again with another --seed."
            )
        rounded = {name: round(loss, 4) for name, loss in losses.items()}
        # Metrics first: a resumed run drops lines after its checkpoint, but could not add those that are missing.
        self.metrics.append(step=self.step, **rounded, seconds=round(self.seconds, 1))
        metadata = {"checkpoint": json.dumps(self.facts | {"step": self.step, "seconds": self.seconds})}
        with writing(self.checkpoint_path):
            write_atomically(self.checkpoint_path, lambda temporary: save_file(tensors, temporary, metadata))
        tqdm.write(json.dumps({"step": self.step, **rounded}))

    def resume(self) -> None:
        """Restore the checkpoint, if there is one. Raises TrainingError for a damaged one or one of another run."""
        path = self.checkpoint_path
        if not path.exists():
            return
        try:
            with safe_open(path, "pt") as file:
                found = json.loads(file.metadata()["checkpoint"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            self.step, self.seconds = int(found["step"]), float(found["seconds"])
        except (SafetensorError, OSError, TypeError, KeyError, ValueError):
            raise TrainingError(f"{path} is not a complete checkpoint; move it away to start again.") from None
        check_identity(path, found, self.facts)
        self.exhibit.load_state_dict(with_prefix(tensors, "model."))
        for prefix, optimizer in self.training.optimizers.items():
            restore_optimizer(optimizer, self.exhibit, with_prefix(tensors, f"{prefix}."))

    def finish(self) -> None:
        """Write the weights, and completions of validation digits. Raises TrainingError."""
        options, exhibit = self.options, self.exhibit.eval()
        with writing(options.out):
            save_weights(exhibit, options.out, dataset=options.dataset, commit=checked_out_commit())
        known = np.repeat(np.arange(exhibit.config.height) < CUT, exhibit.config.width).reshape(exhibit.config.height, -1)
        rows = []
        for ink in self.valid.ink[:SAMPLES]:
            *_, last = exhibit.frames(ink, known.astype(int), 1, options.seed)
            rows += [np.where(known, ink, 0), last.images[0]]
        sheet = contact_sheet(np.stack(rows).astype(int), 256)
        path = options.run / "samples.png"
        with writing(path):
            write_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))
        print(f"wrote {options.out}, and samples.png in {options.run}")


def pictures_at(step: int, digits: Digits, options: argparse.Namespace) -> Tensor:
    """The pictures of a step, (B, 1, H, W) in 0..1, gray as they are, shifted at random."""
    index, rng = epoch_index(step, len(digits), options.batch, options.seed)
    ink = torch.from_numpy(digits.ink[index])
    if options.shift:
        ink = shift_images(ink, torch.from_numpy(rng.integers(-options.shift, options.shift + 1, (len(ink), 2))))
    return ink[:, None].float() / 255


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("exhibit", choices=EXHIBITS)
    add("--data", type=Path, required=True, help="folder with MNIST's files and the pen trajectories")
    add("--dataset", choices=DATASETS, default="mnist-and-pens", help="pictures; their gray levels are used as they are")
    add("--out", type=Path, required=True, help="the weights file to write, .safetensors")
    add("--run", type=Path, help="folder of the checkpoint and metrics; runs/NAME if not given")
    add("--config", default="", help='changes to the config, e.g. "channels=32"')
    add("--steps", type=int, default=10_000, help="number of batches")
    add("--batch", type=int, default=64, help="pictures in a batch")
    add("--shift", type=int, default=2, help="move each picture by up to this many pixels")
    add("--checkpoint-every", type=int, default=500, help="steps between checkpoints")
    add("--seed", type=int, default=0, help="of initial weights, batch order, shifts and noise")
    add("--threads", type=int, default=1, help="CPU threads, 0 to let torch choose")
    return parser


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = build_parser()
    options = parser.parse_args(argv)
    least: dict[str, Any] = {"steps": 1, "batch": 2, "checkpoint_every": 1, "shift": 0, "seed": 0, "threads": 0}
    for name, minimum in least.items():
        if getattr(options, name) < minimum:
            parser.error(f"--{name.replace('_', '-')} is {getattr(options, name)}; give at least {minimum}")
    if options.out.suffix != ".safetensors":
        parser.error(f"--out is {options.out}; give a file that ends in .safetensors")
    options.run = options.run or Path("runs") / options.out.stem
    return options


def main(argv: list[str] | None = None) -> None:
    try:
        run = Run(parse(argv))
        run.train()
        run.finish()
    except (TrainingError, InputError, ValueError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()

"""The options of a training run, with their defaults and ranges."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pixelcnn.cuda.device import choose_device
from pixelcnn.models import MODELS
from pixelcnn.models.base import Registry

DEFAULT_STEPS = 24_000
NO_LIMIT = 10**9  # steps of a run that --minutes ends

AT_LEAST = {"steps": 1, "batch": 1, "checkpoint_every": 1, "accumulate": 1}
AT_LEAST |= {"shift": 0, "seed": 0, "threads": 0, "workers": 0}
RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda value: value > 0, "a number above 0"),
    "minutes": (lambda value: value >= 0, "0 or more"),
    "weight_decay": (lambda value: value >= 0, "0 or more"),
    "class_loss_weight": (lambda value: value >= 0, "0 or more"),
    "class_loss_frac": (lambda value: 0 < value <= 1, "a number above 0 and at most 1"),
    "lr_decay_frac": (lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    "ema_decay": (lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    "hint_prob": (lambda value: 0 <= value <= 1, "a probability from 0 to 1"),
    "label_prob": (lambda value: 0 <= value <= 1, "a probability from 0 to 1"),
}


def _from_environment(name: str, default: int) -> Callable[[], int]:
    return lambda: int(os.environ.get(name, default))


@dataclass
class Options:
    """What `python train.py --help` explains. Raises ValueError for a value out of range.

    `device` becomes "cpu" or "cuda" if it is "auto"; CUDA is tried.
    rank, world_size, local_rank: this process among several, from the environment of torchrun or `accelerate launch`.
    """

    model: str
    out: Path
    data: str | None = None
    dataset: str | None = None
    run: Path | None = None
    device: str = "auto"
    steps: int | None = None
    minutes: float = 0.0
    batch: int = 32
    accumulate: int = 1
    compile: bool = False
    optimizer: str = "adamw"
    lr: float = 2e-3
    lr_decay_frac: float = 0.35
    init: Path | None = None
    ema_decay: float = 0.999
    weight_decay: float = 1e-4
    shift: int = 0
    hint_prob: float = 0.5
    label_prob: float = 0.5
    class_loss_weight: float = 0.0
    class_loss_frac: float = 1 / 16
    only: str = ""
    seed: int = 0
    threads: int = 1
    workers: int = 0
    checkpoint_every: int = 1000
    config: str = ""
    dry_run: bool = False
    rank: int = field(default_factory=_from_environment("RANK", 0))
    world_size: int = field(default_factory=_from_environment("WORLD_SIZE", 1))
    local_rank: int = field(default_factory=_from_environment("LOCAL_RANK", 0))

    def __post_init__(self) -> None:
        self._check_ranges()
        if self.out.suffix != ".safetensors":
            raise ValueError(f"--out is {self.out}; give a file that ends in .safetensors.")
        self.device = choose_device(self.device, self.local_rank).type
        if self.minutes and self.world_size > 1:
            raise ValueError("--minutes is for one process, because the clocks of several differ; give --steps.")
        if self.batch % self.pieces:
            raise ValueError(f"--batch is {self.batch}; give a multiple of {self.pieces}.")

    def _check_ranges(self) -> None:
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{flag(name)} is {value}; give at least {least}.")
        for name, (in_range, expected) in RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and in_range(value)):
                raise ValueError(f"{flag(name)} is {value}; give {expected}.")

    @property
    def step_limit(self) -> int:
        """The number of steps after which the run ends."""
        return self.steps or (NO_LIMIT if self.minutes else DEFAULT_STEPS)

    @property
    def pieces(self) -> int:
        """How many pieces a batch is processed in, over all processes."""
        return self.world_size * self.accumulate

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and reports progress; true for one of several."""
        return self.rank == 0

    @property
    def run_folder(self) -> Path:
        return self.run or Path("runs") / self.out.stem

    @property
    def checkpoint(self) -> Path:
        return self.run_folder / "checkpoint.safetensors"


def defaults() -> dict[str, Any]:
    """The default of every option that has one."""
    return {option.name: option.default for option in fields(Options) if isinstance(option.default, str | int | float)}


def flag(name: str) -> str:
    """The command line flag of an option."""
    return "--" + name.replace("_", "-")


def parse_config(text: str, model: str, registry: Registry = MODELS) -> dict[str, int]:
    """The text of --config, such as "channels=32,blocks=8", as keyword arguments of the config of a model in the registry.

    Raises ValueError for fields that the config does not have and for values that are not whole numbers.
    """
    known = [option.name for option in fields(registry[model][1])]
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    for name, _, value in pairs:
        if name not in known:
            raise ValueError(f"{model} has no option {name!r}; it has {', '.join(known)}.")
        if not value.isdecimal():
            raise ValueError(f"--config {name} is {value!r}; give a whole number.")
    return {name: int(value) for name, _, value in pairs}

"""Short training runs on the sample of MNIST: command lines, and what they write."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import train

SHORT = ["--steps", "40", "--batch", "8", "--checkpoint-every", "8", "--shift", "1"]
SHORT += ["--config", "channels=4,blocks=1,head=4"]
FREEFORM = ["--config", "channels=4,blocks=2,attend_every=2,dim=2,given=3,head=4"]


def arguments(data: Path | str, out: Path, *more: str, model: str = "pixelcnn") -> list[str]:
    """The arguments of `python train.py` for 40 small steps on a CPU; the run's folder is `out` without its suffix."""
    files = ["--data", str(data), "--out", str(out), "--run", str(out.with_suffix(""))]
    return [model, *files, "--device", "cpu", *SHORT, *more]


def command(data: Path | str, out: Path, *more: str, model: str = "pixelcnn") -> list[str]:
    """The command line of a separate process."""
    return [sys.executable, "train.py", *arguments(data, out, *more, model=model)]


def metrics(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out.with_suffix("") / "metrics.jsonl").read_text().splitlines()]


def error_of(given: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit status and the message of a command line that fails."""
    with pytest.raises(SystemExit) as end:
        train.main(list(given))
    printed = capsys.readouterr().err
    if isinstance(end.value.code, int):
        return end.value.code, printed
    return 1, str(end.value.code)

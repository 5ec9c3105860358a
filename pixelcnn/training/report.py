"""What a run reports: the progress bar, metrics.jsonl, curve.png and samples.png."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pixelcnn.atomic import write_atomically
from pixelcnn.images import contact_sheet
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.sampler import complete
from pixelcnn.training.errors import writing
from pixelcnn.training.options import NO_LIMIT, Options

log = logging.getLogger(__name__)

Point = dict[str, float]  # step, train_nats, valid_nats, lr, seconds


class Metrics:
    """The lines of metrics.jsonl, one JSON object for each checkpoint; the file is rewritten whole.

    On resume, lines after the step of the checkpoint are dropped. A missing file is an empty one. Lines that cannot be
    read, such as the last one of a killed run, or lack a required number are skipped with a warning.
    """

    def __init__(self, path: Path, step: int, required: Sequence[str] = ("step", "train_nats", "valid_nats")):
        self.path = path
        self.points = [point for point in read_metrics(path, required) if point["step"] <= step]

    def append(self, **point: float) -> None:
        """Raises TrainingError if the file cannot be written, ValueError for a number that is not finite."""
        lines = [json.dumps(line, allow_nan=False) + "\n" for line in (*self.points, point)]
        with writing(self.path):
            write_atomically(self.path, lambda temporary: temporary.write_text("".join(lines), "utf-8"))
        self.points.append(point)


def read_metrics(path: Path, required: Sequence[str]) -> list[Point]:
    points = []
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines() if path.exists() else (), 1):
        try:
            point = json.loads(line)
            points.append({name: float(point[name]) for name in required} | point)
        except (ValueError, KeyError, TypeError):
            log.warning("skipped line %d of %s, which is incomplete", number, path)
    return points


def progress_bar(options: Options, step: int) -> tqdm:
    """A bar that counts steps; a run that ends by the clock has no total."""
    total = None if options.step_limit == NO_LIMIT else options.step_limit
    return tqdm(total=total, initial=step, unit="step", smoothing=0.05, mininterval=1.0, disable=not options.is_main)


def plot_curve(points: list[Point], path: Path) -> None:
    """The nats of training and validation over the steps, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name in ("train_nats", "valid_nats"):
        axes.plot([point["step"] for point in points], [point[name] for point in points], label=name.split("_")[0])
    last = points[-1]["valid_nats"]
    axes.set(xlabel="step", ylabel="nats a picture", ylim=(0.97 * last, max(1.15 * last, points[0]["valid_nats"] / 2)))
    axes.legend()
    with writing(path):
        write_atomically(path, lambda temporary: figure.savefig(temporary, format="png"))
    pyplot.close(figure)


def save_samples(model: AutoregressiveModel, path: Path, seed: int) -> None:
    """64 samples as one picture."""
    result = complete(model, samples=64, seed=seed)
    save_sheet(result.images, result.levels, path)


def save_sheet(pictures: np.ndarray, levels: int, path: Path) -> None:
    """Levels (N, H, W) as one PNG file. Raises TrainingError if it cannot be written."""
    sheet = contact_sheet(pictures, levels)
    with writing(path):
        write_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))

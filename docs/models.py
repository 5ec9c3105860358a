"""Draws what each model sees for `docs/models.md`: `python -m docs.models [--data DIR]`, into docs/models/.

For one pixel, marked, how much its prediction depends on every other: the real gradient, on a logarithmic scale, of the
trained weights where there are any, else of new ones; averaged over real digits of tests/data.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pixelcnn.data import load_digits
from pixelcnn.hub import load, manifest
from pixelcnn.insight import DECADES
from pixelcnn.models import MODELS, build
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sight import sight

ROOT = Path(__file__).parent.parent
PIXEL = (18, 12)
PAPER, SEEN, HERE = np.array([250, 248, 243]), np.array([28, 100, 180]), np.array([217, 72, 15])


def weights_of(name: str) -> AutoregressiveModel:
    """The page's weights of a model, else its benchmark weights, else new ones."""
    entries = manifest()["entries"]
    listed = [entry for entry in (name, f"{name}-static") if entry in entries]
    torch.manual_seed(0)
    return load(listed[0]) if listed else build(name).eval()


def picture(field: np.ndarray, row: int, column: int, zoom: int = 8) -> Image.Image:
    """A field (H, W) in blue, stronger the more is seen; nothing seen is paper, the pixel itself orange."""
    with np.errstate(divide="ignore"):
        strength = np.clip(1 + np.log10(field / field.max()) / DECADES, 0.08, 1) * (field > 0)
    colours = PAPER + strength[..., None] * (SEEN - PAPER)
    colours[row, column] = HERE
    return Image.fromarray(colours.round().astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "tests" / "data", help="folder with MNIST's files")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "models", help="where the pictures go")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        model = weights_of(name)
        digits = load_digits("mnist-gray" if model.likelihood.levels == 256 else "mnist-threshold", options.data, "test")
        x = torch.from_numpy(digits.batch(np.arange(20), np.random.default_rng(0)))
        field = sight(model, x, PIXEL[0] * model.config.width + PIXEL[1]).numpy()
        picture(field, *PIXEL).save(options.out / f"{name}.png", optimize=True)
        print(f"{name}: {int((field > 0).sum())} of {PIXEL[0] * 28 + PIXEL[1]} pixels before it seen")


if __name__ == "__main__":
    main()

"""Draw the receptive field of each model into docs/models: `python -m scripts.draw_receptive_fields [--data DIR]`.

For one pixel, marked in orange: the absolute gradient of its prediction with respect to every other pixel, on a
logarithmic scale, averaged over test digits. Uses trained weights if there are any, else random ones.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pixelcnn.analysis.receptive_field import receptive_field
from pixelcnn.data import load_digits
from pixelcnn.hub import load, read_manifest
from pixelcnn.models import MODELS, build
from pixelcnn.models.base import AutoregressiveModel

ROOT = Path(__file__).parent.parent
PIXEL = (18, 12)  # row, column
DIGITS = 20
DECADES = 5  # of gradient strength that are distinguished, from the maximum down
FAINTEST = 0.08  # color strength of the smallest gradient that is not zero
BACKGROUND, FIELD, MARKED = np.array([250, 248, 243]), np.array([28, 100, 180]), np.array([217, 72, 15])


def load_or_build(name: str) -> AutoregressiveModel:
    """A model with the page's weights, else with its benchmark weights, else with random ones."""
    entries = read_manifest()["entries"]
    trained = [entry for entry in (name, f"{name}-static") if entry in entries]
    torch.manual_seed(0)
    return load(trained[0]) if trained else build(name).eval()


def draw(field: np.ndarray, row: int, column: int, zoom: int = 8) -> Image.Image:
    """A field (H, W) as shades of blue, darker for larger gradients; zero is the background, the pixel itself orange."""
    with np.errstate(divide="ignore"):
        strength = np.clip(1 + np.log10(field / max(field.max(), 1e-300)) / DECADES, FAINTEST, 1) * (field > 0)
    colors = BACKGROUND + strength[..., None] * (FIELD - BACKGROUND)
    colors[row, column] = MARKED
    return Image.fromarray(colors.round().astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "tests" / "fixtures", help="folder with MNIST's files")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "models", help="where to write the pictures")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        model = load_or_build(name)
        width = model.config.width
        digits = load_digits("mnist-gray" if model.distribution.levels == 256 else "mnist-threshold", options.data, "test")
        x = torch.from_numpy(digits.batch(np.arange(DIGITS), np.random.default_rng(0)))
        field = receptive_field(model, x, PIXEL[0] * width + PIXEL[1]).numpy()
        draw(field, *PIXEL).save(options.out / f"{name}.png", optimize=True)
        print(f"{name}: the prediction depends on {int((field > 0).sum())} of {PIXEL[0] * width + PIXEL[1]} earlier pixels")


if __name__ == "__main__":
    main()

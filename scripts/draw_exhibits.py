"""Draw completions by the exhibits into docs/models: `python -m scripts.draw_exhibits [--data DIR]`.

One row for each of three test digits, of which the upper half is known. dcgan: one start of the search as it improves, then
what two other starts find. pix2pix: what L1 alone gives, what the adversary makes of it, and the digit itself.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from pixelcnn.data import load_digits
from pixelcnn.exhibits import load_exhibit
from pixelcnn.images import to_image
from pixelcnn.masks import region_known

ROOT = Path(__file__).parent.parent
LABELS = (2, 3, 9)
STEPS = (1, 31, 101)  # of the search that are shown, besides the last


def search(digit: np.ndarray, known: np.ndarray) -> list[np.ndarray]:
    frames = list(load_exhibit("dcgan").frames(digit, known, 3, 1))
    return [frame.images[0] for frame in frames if frame.step in STEPS] + list(frames[-1].images)


def single_pass(digit: np.ndarray, known: np.ndarray) -> list[np.ndarray]:
    return [frame.images[0] for frame in load_exhibit("pix2pix").frames(digit, known)] + [digit]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "tests" / "fixtures", help="folder with MNIST's files")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "models", help="where to write the pictures")
    options = parser.parse_args(argv)
    digits = load_digits("mnist-gray", options.data, "test")
    chosen = [digits.ink[np.flatnonzero(digits.labels == label)[0]] for label in LABELS]
    known = region_known("bottom", 28, 28)
    for name, pictures_of in (("dcgan", search), ("pix2pix", single_pass)):
        rows = [np.hstack([np.pad(picture, 1) for picture in pictures_of(digit, known)]) for digit in chosen]
        image: Image.Image = to_image(np.vstack(rows), 256, zoom=3)
        image.save(options.out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

"""Exhibits: other ways to complete a picture, without a likelihood. One exhibit, one file, one paper."""

from functools import partial
from pathlib import Path

from pixelcnn.analysis.digit_classifier import SIZE, classify, load_digit_classifier
from pixelcnn.exhibits import dcgan, pix2pix
from pixelcnn.exhibits.base import Exhibit, Frame
from pixelcnn.hub.files import find_entry, load_network
from pixelcnn.hub.manifest import WEIGHTS
from pixelcnn.models.base import Registry

__all__ = ["EXHIBITS", "Exhibit", "Frame", "build", "load_exhibit", "set_reader"]

EXHIBITS: Registry[Exhibit] = {
    "dcgan": (dcgan.DCGAN, dcgan.Config, dcgan.Training),
    "pix2pix": (pix2pix.Pix2Pix, pix2pix.Config, pix2pix.Training),
}


def build(name: str, **config: int) -> Exhibit:
    """A new exhibit by its registry name; options left out take the config's defaults."""
    if name not in EXHIBITS:
        raise ValueError(f"There is no exhibit {name!r}; choose one of {', '.join(EXHIBITS)}.")
    exhibit, options, _ = EXHIBITS[name]
    return exhibit(options(**config))


def load_exhibit(entry_or_path: str | Path, folder: Path = WEIGHTS) -> Exhibit:
    """An exhibit in eval mode on the CPU, by its entry in the manifest or from a .safetensors file. Raises WeightsError.

    Its captions name the digits that the project's classifier reads, for pictures of the classifier's size.
    """
    is_file = str(entry_or_path).endswith(".safetensors")
    path = Path(entry_or_path) if is_file else find_entry(str(entry_or_path), folder)
    exhibit = load_network(path, EXHIBITS).eval().requires_grad_(False)
    set_reader(exhibit)
    return exhibit


def set_reader(exhibit: Exhibit) -> None:
    """Let the captions of an exhibit name the digits that the project's classifier reads. Raises WeightsError."""
    if (exhibit.config.height, exhibit.config.width) == (SIZE, SIZE):
        exhibit.read_digits = partial(classify, load_digit_classifier())

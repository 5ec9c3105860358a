"""Images at the boundary: ink to levels, and levels to PIL images and contact sheets.

Ink is 0 (paper) to 255; a model with K levels uses 0..K-1.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

PAPER, INK = np.array([250, 248, 243]), np.array([24, 40, 72])  # colors of the page


def ink_to_levels(ink: np.ndarray, levels: int) -> Tensor:
    """Ink (...) in 0..255 as levels 0..K-1, long: round(ink * (K - 1) / 255). For two levels, ink from 128 on is 1."""
    return torch.from_numpy(np.floor(ink * (levels - 1) / 255 + 0.5).astype(np.int64))


def to_image(picture: np.ndarray, levels: int, zoom: int = 1) -> Image.Image:
    """Levels (H, W) as a PIL image, dark ink on paper, each pixel zoom x zoom."""
    share = picture[..., None] / (levels - 1)
    colors = (PAPER + share * (INK - PAPER)).round().astype(np.uint8)
    return Image.fromarray(colors.repeat(zoom, 0).repeat(zoom, 1))


def contact_sheet(pictures: np.ndarray, levels: int, zoom: int = 3) -> Image.Image:
    """Pictures (N, H, W) as one image, arranged in a near square with a gap between them."""
    tiles = [np.asarray(to_image(np.pad(picture, 1), levels, zoom)) for picture in pictures]
    columns = int(np.ceil(len(tiles) ** 0.5))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return Image.fromarray(np.vstack(rows))

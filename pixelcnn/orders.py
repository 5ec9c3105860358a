"""In which order pixels are filled. Knows masks and positions, no model."""

import torch
from torch import Tensor

from pixelcnn.errors import BadInput


def comes_first(known: Tensor) -> bool:
    """Whether no known pixel of bool (H, W) comes after an unknown one, row by row."""
    return bool((known.flatten().cummin(0).values == known.flatten()).all())


def raster(known: Tensor, model: str) -> Tensor:
    """The unknown pixels, raster numbers (U,), row by row; known is bool (H, W), `model` the name to speak of.

    Raises BadInput where a known pixel comes after an unknown one: a raster model could not make use of it.
    """
    order = torch.nonzero(~known.flatten())[:, 0]
    if not comes_first(known):
        hole, width = int(order[0]), known.shape[1]
        after = hole + int(torch.nonzero(known.flatten()[hole:])[0])
        raise BadInput(
            f"{model} fills from the top, row by row, and cannot use known pixel ({after // width}, {after % width}), "
            f"which comes after unknown pixel ({hole // width}, {hole % width}); "
            "let the known pixels end before the unknown begin, or choose freeform, which takes any."
        )
    return order

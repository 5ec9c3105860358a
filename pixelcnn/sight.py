"""What a pixel's prediction sees: how much it would change with each pixel before it, from the network's real gradient."""

import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Everywhere


def sight(model: AutoregressiveModel, x: Tensor, pixel: int) -> Tensor:
    """|d params of a pixel / d picture|, (H, W): 0 where it does not look; averaged over pictures x, levels (B, H, W).

    The gradient is taken at the pictures given and summed over the params; where no path leads from a pixel to the
    prediction it is exactly zero.
    """
    picture = model.embed(x).requires_grad_()
    with torch.enable_grad():
        params = model.network(picture, Everywhere()).flatten(1, 2)[:, pixel]
        # One backward pass a param: gradients of several could cancel each other.
        parts = [torch.autograd.grad(param.sum(), picture, retain_graph=True)[0] for param in params.unbind(-1)]
    return sum(part.abs() for part in parts)[..., 0].mean(0).detach()

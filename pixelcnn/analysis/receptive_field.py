"""The receptive field of a pixel: the absolute gradient of its prediction with respect to every pixel of the picture."""

import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.execution import FullPass


def receptive_field(model: AutoregressiveModel, x: Tensor, pixel: int) -> Tensor:
    """|d params of a pixel / d picture|, (H, W), the mean over pictures x, levels (B, H, W).

    pixel: a raster number. The gradient is taken at the given pictures and its absolute value is summed over the params.
    It is exactly zero where no path of the network leads from a pixel to the prediction.
    """
    picture = model.embed(x).requires_grad_()
    with torch.enable_grad():
        params = model.network(picture, FullPass()).flatten(1, 2)[:, pixel]
        # One backward pass per param, because gradients of several params could cancel.
        # A model may read no pixel; then the gradient is zero.
        gradients = [
            torch.autograd.grad(param.sum(), picture, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
            for param in params.unbind(-1)
        ]
    return torch.stack(gradients).abs().sum(0)[..., 0].mean(0).detach()

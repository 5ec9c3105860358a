"""What ten exact likelihoods, one a digit, say together by Bayes: p(digit | known), p(the rest) if one is drawn first."""

import torch
from torch import Tensor

from pixelcnn.errors import BadInput
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.orders import comes_first


@torch.inference_mode()
def so_far(model: AutoregressiveModel, x: Tensor) -> Tensor:
    """ln p(the first n pixels | digit) in raster order for n from none to all, of pictures x, levels (B, H, W):
    (B, 10, H * W + 1), float64, exact.

    x may be upper rows alone. One batch of B * classes pictures tells it for every n, since a pixel's probability depends
    on those before it alone. Raises BadInput for a model that knows no digits.
    """
    if not model.classes:
        raise BadInput(f"{model.name} knows no digits, so it cannot tell which one this is; choose a model with classes.")
    digits = torch.arange(model.classes, device=x.device).repeat(len(x))
    nats = model.nats(x.repeat_interleave(model.classes, 0), digits).double().flatten(1).cumsum(1)
    return -torch.nn.functional.pad(nats, (1, 0)).view(len(x), model.classes, -1)


def course(model: AutoregressiveModel, x: Tensor) -> Tensor:
    """p(digit | the first n pixels in raster order) for n from none to all, of pictures x, levels (B, H, W):
    (B, H * W + 1, 10).

    Every digit is as likely beforehand. Raises BadInput for a model that knows no digits.
    """
    return so_far(model, x).softmax(1).transpose(1, 2)


def mixed_nats(model: AutoregressiveModel, x: Tensor, known: Tensor) -> Tensor:
    """-ln p(the unknown pixels | the known) of pictures x, levels (B, H, W), where a digit is drawn first: (B,), exact.

    The mixture over the digits, each as likely beforehand, which is what pictures come from whose digit was drawn from the
    posterior. known is bool (H, W), the same for all. Raises BadInput as `posterior` does.
    """
    count = _known_first(model, known)
    likely = torch.logsumexp(so_far(model, x)[..., [count, -1]], 1)  # ln p of the known and of all, plus ln 10
    return likely[:, 0] - likely[:, 1]


def posterior(model: AutoregressiveModel, x: Tensor, known: Tensor) -> Tensor:
    """p(digit | the known pixels) of pictures x, levels (B, H, W): (B, 10); every digit is as likely beforehand.

    known is bool (H, W), the same for all. What stands under unknown pixels is ignored.
    Raises BadInput for a model that knows no digits, and where what is known is not all that comes before the first
    unknown pixel in raster order: how likely it is by itself would then be a sum over everything between.
    """
    count = _known_first(model, known)
    return course(model, torch.where(known, x, 0))[:, count]


def _known_first(model: AutoregressiveModel, known: Tensor) -> int:
    """How many pixels are known, if none of them comes after an unknown one."""
    if not comes_first(known):
        raise BadInput(
            f"{model.name} can tell the digit only from known pixels with no unknown one before them; know the top alone."
        )
    return int(known.sum())

"""The training loss of one piece of a batch: nats, and optionally how badly the class is recognized."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.training.options import Options

Forward = Callable[..., Tensor]  # levels, labels, hints, pictures to params, like the model


class TrainingLoss:
    """The loss of a model, with bfloat16 autocast. `forward` is the model, or the compiled model."""

    def __init__(self, model: AutoregressiveModel, forward: Forward, options: Options):
        self.model = model
        self.forward = forward
        self.options = options

    def __call__(self, x: Tensor, labels: Tensor, hints: Tensor | None) -> tuple[Tensor, Tensor]:
        """The loss and the nats of a piece, both divided by the size of the whole batch.

        x: levels (B, H, W); labels (B,); hints (B, H, W) or None. Hints themselves have no loss.
        """
        rows = len(x)
        chosen = self.class_loss_pictures(labels, hints)
        digits, pictures = labels, None
        if chosen is not None:
            classes = torch.arange(self.model.classes, device=x.device)
            digits = torch.cat([labels, classes.repeat(len(chosen))])
            pictures = torch.cat([torch.arange(rows, device=x.device), chosen.repeat_interleave(len(classes))])
        with torch.autocast(x.device.type, torch.bfloat16):
            params = self.forward(x, digits, hints, pictures)
        log_p = self.model.distribution.log_prob(params.float(), x if pictures is None else x[pictures])
        nats = -log_p[:rows]
        nats = (nats if hints is None else nats * ~hints).sum() / self.options.batch
        if chosen is None:
            return nats, nats
        targets = labels[chosen] if hints is None else torch.where(hinted(hints), -1, labels)[chosen]
        class_loss = self.class_loss(log_p[rows:].view(len(chosen), self.model.classes, -1), targets)
        return nats + self.options.class_loss_weight * rows / self.options.batch * class_loss, nats

    def class_loss_pictures(self, labels: Tensor, hints: Tensor | None) -> Tensor | None:
        """--class-loss-frac of the batch, (count,), those with a label and without hints first."""
        if not (self.options.class_loss_weight and self.model.classes):
            return None
        count = max(1, int(self.options.batch * self.options.class_loss_frac) // self.options.pieces)
        unsuitable = labels < 0 if hints is None else (labels < 0) | hinted(hints)
        return torch.argsort(unsuitable, stable=True)[:count]

    def class_loss(self, log_p: Tensor, labels: Tensor) -> Tensor:
        """-ln p(label | the first n pixels), the mean over all n and all pictures, as in `class_posterior_by_prefix`.

        log_p: of every pixel given each class, (count, classes, H * W); labels (count,), -1 for pictures that do not count.
        The class makes a difference of about two nats in sixty, so without this loss it is learned late.
        """
        logits = log_p.cumsum(-1)
        targets = labels[:, None].expand(-1, logits.shape[-1])
        total = F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
        return total / (targets >= 0).sum().clamp(min=1)


def hinted(hints: Tensor) -> Tensor:
    """Which pictures have hints (B, H, W), bool (B,)."""
    return hints.flatten(1).any(1)

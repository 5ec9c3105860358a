"""The training loss of one piece of a batch: nats, and optionally how badly the class is recognized."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.training.options import Options

Forward = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]  # levels, labels, hints to params, like the model


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
        batch = self.options.batch
        with torch.autocast(x.device.type, torch.bfloat16):
            params = self.forward(x, labels, hints)
        nats = -self.model.distribution.log_prob(params.float(), x)
        nats = (nats if hints is None else nats * ~hints).sum() / batch
        if not (self.options.class_loss_weight and self.model.classes):
            return nats, nats
        return nats + self.options.class_loss_weight * len(x) / batch * self.class_loss(x, labels), nats

    def class_loss(self, x: Tensor, labels: Tensor) -> Tensor:
        """-ln p(label | the first n pixels), the mean over all n of some pictures, as in `class_posterior_by_prefix`.

        --class-loss-frac of the batch takes part, pictures with a label first; each takes a pass for every class. The class
        makes a difference of about two nats in sixty, so without this loss it is learned late.
        """
        classes = self.model.classes
        count = max(1, int(self.options.batch * self.options.class_loss_frac) // self.options.pieces)
        chosen = torch.argsort(labels < 0, stable=True)[:count]
        x, labels = x[chosen], labels[chosen]
        with torch.autocast(x.device.type, torch.bfloat16):
            params = self.forward(x, torch.arange(classes, device=x.device).repeat(len(labels)), None)
        log_p = self.model.distribution.log_prob(params.float(), x.repeat_interleave(classes, 0))
        log_likelihoods = log_p.flatten(1).cumsum(1)  # (count * classes, H * W)
        targets = labels[:, None].expand(-1, log_likelihoods.shape[1])
        logits = log_likelihoods.view(len(labels), classes, -1)
        total = F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
        return total / (targets >= 0).sum().clamp(min=1)

"""Batch normalization over the pictures of several training processes."""

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

from pixelcnn.nn.layers import BatchNorm


class SynchronizedBatchNorm(BatchNorm):
    """`BatchNorm` whose statistics in training mode are those of all processes. `nn.SyncBatchNorm` requires CUDA.

    Every process must call it equally often; the pieces may differ in size.
    """

    def forward(self, h: Tensor) -> Tensor:
        """Features (..., C) to features of the same shape and dtype."""
        if not self.training:
            return super().forward(h)
        rows = h.flatten(0, -2).float()
        total = all_reduce(torch.cat([rows.sum(0), rows.new_tensor([len(rows)])]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        # The mean first and then the deviations from it: a mean of squares minus a squared mean would lose digits.
        variance = all_reduce((rows - mean).square().sum(0)) / count
        self._update_running(mean.detach(), variance.detach() * count / (count - 1))
        normed = (rows - mean) * torch.rsqrt(variance + self.eps)
        return (normed * self.weight + self.bias).to(h.dtype).view_as(h)

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


def synchronize_batch_norm(model: nn.Module) -> None:
    """Replace every `BatchNorm` of a model by a synchronized one with the same parameters and buffers."""
    for layer in list(model.modules()):
        for name, norm in layer.named_children():
            if type(norm) is BatchNorm:
                synchronized = SynchronizedBatchNorm(norm.num_features).to(norm.weight.device).train(norm.training)
                synchronized.load_state_dict(norm.state_dict())
                setattr(layer, name, synchronized)

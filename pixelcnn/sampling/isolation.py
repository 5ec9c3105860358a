"""Sampling does not depend on ambient state: training mode, autocast, TF32 and grad mode are fixed and then restored."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pixelcnn.models.base import AutoregressiveModel


@contextmanager
def isolated(model: AutoregressiveModel) -> Iterator[None]:
    """Run a model in eval mode, without autocast, gradients and TF32; everything is restored on leaving.

    TF32 would round the convolutions of a full pass to ten bits, and a full pass must equal the one-pixel steps. Do not
    hold this across a `yield`: the caller of a generator would see the changed state.
    """
    training = [module for module in model.modules() if module.training] if model.training else []
    cudnn, matmul = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    if training:
        model.eval()
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.inference_mode(), torch.autocast(model.device.type, enabled=False):
            yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = cudnn, matmul
        for module in training:
            module.training = True

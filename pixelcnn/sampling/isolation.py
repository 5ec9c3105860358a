"""Sampling does not depend on ambient state: training mode, autocast, TF32 and grad mode are fixed and then restored."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pixelcnn.models.base import AutoregressiveModel


class ExactMatmul:
    """Switches TF32 off while any thread needs exact products, and restores the setting after the last one.

    The setting belongs to the process. Without a count, a thread that leaves would restore it under another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = (False, False)

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._before = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
                torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = self._before


EXACT_MATMUL = ExactMatmul()  # one per process, like the setting


@contextmanager
def isolated(model: AutoregressiveModel) -> Iterator[None]:
    """Run a model in eval mode, without autocast, gradients and TF32; everything is restored on leaving.

    TF32 would round the convolutions of a full pass to ten bits, and a full pass must equal the one-pixel steps. Do not
    hold this across a `yield`: the caller of a generator would see the changed state.
    """
    training = [module for module in model.modules() if module.training] if model.training else []
    if training:
        model.eval()
    try:
        with EXACT_MATMUL, torch.inference_mode(), torch.autocast(model.device.type, enabled=False):
            yield
    finally:
        for module in training:
            module.training = True

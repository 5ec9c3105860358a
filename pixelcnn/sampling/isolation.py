"""Sampling does not depend on ambient state: training mode, autocast, reduced precision, grad mode and default device.

All are fixed and then restored. The default dtype and the number of threads need no care: tensors name their dtype, and
results of other thread counts differ by rounding only.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from pixelcnn.models.base import AutoregressiveModel

T = TypeVar("T")

BACKENDS: Any = torch.backends
PRECISIONS: tuple[Any, ...] = (  # the settings of reduced precision, one for each library and operation
    BACKENDS.cuda.matmul,
    BACKENDS.cudnn.conv,
    BACKENDS.cudnn.rnn,
    BACKENDS.mkldnn.matmul,
    BACKENDS.mkldnn.conv,
    BACKENDS.mkldnn.rnn,
)


class ExactMatmul:
    """Switches TF32 and bfloat16 products off while any thread needs exact ones, and restores the settings after the last.

    The settings belong to the process. Without a count, a thread that leaves would restore them under another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._matmul: str | None = None
        self._cudnn: bool | None = None
        self._before: list[str] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._matmul = read_or_none(torch.get_float32_matmul_precision)
                self._cudnn = read_or_none(lambda: BACKENDS.cudnn.allow_tf32)
                self._before = [setting.fp32_precision for setting in PRECISIONS]
                torch.set_float32_matmul_precision("highest")
                BACKENDS.cudnn.allow_tf32 = False
                for setting in PRECISIONS:
                    if setting.fp32_precision not in ("ieee", "none"):  # inherited from torch.backends.fp32_precision
                        setting.fp32_precision = "ieee"
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                if self._matmul is not None:
                    torch.set_float32_matmul_precision(self._matmul)
                if self._cudnn is not None:
                    BACKENDS.cudnn.allow_tf32 = self._cudnn
                for setting, before in zip(PRECISIONS, self._before, strict=True):
                    setting.fp32_precision = before


def read_or_none(read: Callable[[], T]) -> T | None:
    """One of PyTorch's older settings of precision; None if PyTorch refuses, because only the newer ones were changed."""
    try:
        return read()
    except RuntimeError:
        return None


EXACT_MATMUL = ExactMatmul()  # one per process, like the setting


@contextmanager
def isolated(model: AutoregressiveModel) -> Iterator[None]:
    """Run a model in eval mode, without autocast, gradients, TF32 and another default device; all is restored on leaving.

    TF32 would round the convolutions of a full pass to ten bits, and a full pass must equal the one-pixel steps. Do not
    hold this across a `yield`: the caller of a generator would see the changed state.
    """
    training = [module for module in model.modules() if module.training] if model.training else []
    if training:
        model.eval()
    try:
        with EXACT_MATMUL, torch.inference_mode(), torch.autocast(model.device.type, enabled=False), cpu_by_default():
            yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def cpu_by_default() -> Iterator[None]:
    """Tensors that name no device are on the CPU, whatever torch.set_default_device says. Also a decorator."""
    if torch.get_default_device().type == "cpu":  # usual; the context slows every operation down
        yield
    else:
        with torch.device("cpu"):
            yield

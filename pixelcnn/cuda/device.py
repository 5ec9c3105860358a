"""The choice between CUDA and the CPU, by trying: a device that PyTorch lists may still fail at its first operation."""

import logging
import os

import torch
import torch.nn.functional as F

from pixelcnn.errors import InputError

log = logging.getLogger(__name__)


def choose_device(name: str, index: int = 0) -> torch.device:
    """The device for "auto", "cpu" or "cuda". "auto" is CUDA if it works, else the CPU, with a warning if there is one.

    index: of the CUDA device to try, if there are several. The result names none, so that it is the current one.
    Raises InputError for "cuda" if there is no device or if it does not work.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    try:
        check_cuda(index)
    except InputError as error:
        if name == "cuda":
            raise
        log.warning("%s The CPU is used.", error)
        return torch.device("cpu")
    return torch.device("cuda")


def check_cuda(index: int = 0) -> None:
    """Raises InputError unless a product and a convolution, which use libraries of their own, run on a CUDA device."""
    if not torch.cuda.is_available():
        raise InputError(
            "cuda_not_available", "PyTorch has no CUDA device to use. Start with --device cpu or --device auto."
        )
    if os.environ.get("SPACES_ZERO_GPU"):  # only workers have the GPU there, and this process must not initialize CUDA
        return
    try:
        ones = torch.ones(1, 1, 4, 4, device=torch.device("cuda", index))
        (F.conv2d(ones, ones[:, :, :3, :3]).sum() + (ones @ ones).sum()).item()
    except RuntimeError as error:  # an old card, a driver that is too old, no free memory
        raise InputError(
            "cuda_not_usable",
            "The CUDA device does not work with this PyTorch ({reason}). Update the driver or PyTorch, or start with "
            "--device cpu.",
            reason=(str(error).splitlines() or [type(error).__name__])[0],
        ) from error

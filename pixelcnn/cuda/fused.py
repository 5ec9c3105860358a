"""The sampling loop as one Triton kernel: a program keeps a few pictures on the CUDA device and samples pixel after pixel.

A step of a network is over a hundred small kernels, and launching them takes much longer than running them. The fused
kernel computes the same as `model.step`, over the same memories, in float32; only the order of sums differs, and tests
compare the two. It exists for two models with binary pixels, `pixelcnn` and `freeform`, up to 64 channels (`kernels/`).
Without Triton, which comes with the CUDA builds of torch, or without the C compiler that Triton needs, `try_fuse` returns
None.
"""

import logging
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixelcnn.cuda.kernels import freeform, pixelcnn
from pixelcnn.cuda.kernels.primitives import triton
from pixelcnn.distributions import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.cache import Cache

# By model name: modules with `fits`, `MAX_PICTURES` and `Kernel`.
KERNELS: dict[str, Any] = {"pixelcnn": pixelcnn, "freeform": freeform}
# What Triton and the tools that it calls raise, besides its own errors, if the installation is incomplete.
KERNEL_ERRORS = (RuntimeError, OSError, ImportError, AssertionError, subprocess.SubprocessError)


def is_fusable(model: AutoregressiveModel) -> bool:
    """Whether `FusedSampler` can run this model on its device; on a CPU only in Triton's interpreter, for tests."""
    if triton is None or model.name not in KERNELS or not isinstance(model.distribution, Bernoulli):
        return False
    if not KERNELS[model.name].fits(model.config):
        return False
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    # Triton requires compute capability 8.0.
    on_cuda = model.device.type == "cuda" and torch.cuda.get_device_capability(model.device) >= (8, 0) and has_compiler()
    return (on_cuda or interpreted) and all(parameter.dtype == torch.float32 for parameter in model.parameters())


def has_compiler() -> bool:
    """Whether Triton will find a C compiler and Python.h, by the rules of triton/runtime/build.py: `cc` does not count."""
    scheme = sysconfig.get_default_scheme()
    # Debian's default scheme points to /usr/local, but the header belongs to the interpreter.
    include = sysconfig.get_paths("posix_prefix" if scheme == "posix_local" else scheme)["include"]
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return compiler is not None and (Path(include) / "Python.h").exists()


def try_fuse(model: AutoregressiveModel, cache: Cache) -> "FusedSampler | None":
    """A compiled kernel for the pictures in a cache; None if there is none for the model or it does not compile here."""
    if not is_fusable(model):
        return None
    try:
        fused = FusedSampler(model, cache)
        fused.compile()
    except (triton.TritonError, *KERNEL_ERRORS) as error:
        logging.getLogger(__name__).warning("No fused kernel for %s, using cached steps: %s", model.name, error)
        return None
    return fused


def choose_pictures_per_program(pictures: int, processors: int, maximum: int) -> int:
    """Pictures per program, a power of two: the fewest with which all programs run at the same time, up to maximum."""
    needed = -(-pictures // processors)
    return min(maximum, 1 << max(0, needed - 1).bit_length())


class FusedSampler:
    """Samples many pixels of the pictures of one cache per call.

    The cache stays valid for `model.prefill` and `model.step`; its memories become views of one tensor. So prefill works
    as before, and `run` and steps can continue each other's pictures.
    """

    window = 64  # pixels of each picture per call; between calls, pictures are admitted and evicted

    def __init__(self, model: AutoregressiveModel, cache: Cache, num_warps: int = 8):
        """num_warps: the number of threads of a program, divided by 32."""
        assert is_fusable(model), f"{model.name} on {model.device} has no fused kernel"
        self.num_warps, self.max_pictures = num_warps, KERNELS[model.name].MAX_PICTURES
        self.kernel = KERNELS[model.name].Kernel(model, cache)
        on_cuda = model.device.type == "cuda"
        self.processors = torch.cuda.get_device_properties(model.device).multi_processor_count if on_cuda else 1
        shape = len(cache.digits), cache.grid.height * cache.grid.width
        self.thresholds = torch.zeros(shape, dtype=torch.float64, device=model.device)

    @torch.inference_mode()
    def admit(self, slots: Tensor, levels: Tensor, known: Tensor, thresholds: Tensor) -> None:
        """Set what `run` samples in slots (n,), after `model.prefill`: levels, known and thresholds are (n, H * W) each.

        thresholds: from `Bernoulli.thresholds`. Known pixels keep their level whatever the network computes.
        """
        fixed = torch.where(levels > 0, -torch.inf, torch.inf)
        self.thresholds[slots] = torch.where(known, fixed, thresholds).to(self.thresholds)

    def compile(self) -> None:
        """Compile every variant that `run` may need, so that no request waits for it and errors show at once."""
        no_slots = torch.zeros(0, dtype=torch.long, device=self.thresholds.device)
        for power in range(self.max_pictures.bit_length()):
            self.run(no_slots, no_slots, no_slots, 1, pictures_per_program=1 << power)

    @torch.inference_mode()
    def run(
        self, slots: Tensor, starts: Tensor, ends: Tensor, count: int, pictures_per_program: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sample up to `count` pixels of each picture in slots (n,), from its start (n,) up to but excluding its end (n,).

        As for `model.step`, all pixels before each start must be in the cache; the sampled pixels are added to it. Returns
        their levels, long (n, count), and logits (n, count), on the model's device; entries past an end are undefined.
        pictures_per_program: a power of two; more of them share each weight that is read.
        """
        device = self.thresholds.device
        levels = torch.zeros(len(slots), count, dtype=torch.long, device=device)
        logits = torch.zeros(len(slots), count, dtype=torch.float32, device=device)
        slots_starts_ends = [index.to(levels).contiguous() for index in (slots, starts, ends)]
        pictures = pictures_per_program or choose_pictures_per_program(len(slots), self.processors, self.max_pictures)
        with torch.cuda.device_of(self.thresholds):
            self.kernel.launch(pictures, self.num_warps, self.thresholds, slots_starts_ends, levels, logits)
        return levels, logits

"""The sampling loop as one kernel: pictures stay on the CUDA device for as many pixels as are asked for.

A step of a network is over a hundred small kernels, and launching them takes far longer than what they do; here one
program keeps a few pictures and runs through their pixels by itself. It computes what `model.step` computes, over the
same memories, in float32 up to the order of sums (tests hold them equal). Without Triton, which comes with torch for
CUDA, or without the C compiler that Triton wants, there is no kernel: `fuse` says so.

Knows two models, whose kernels are in `kernels/`, and black and white; no jobs, no noise and no person.
"""

import logging
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import torch
from torch import Tensor

from pixelcnn.kernels import freeform, pixelcnn
from pixelcnn.kernels.parts import triton
from pixelcnn.likelihoods import Bernoulli
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.where import Cache

KERNELS = {"pixelcnn": pixelcnn, "freeform": freeform}
# What Triton and the tools that it calls raise, beside its own errors, where they are not all there.
NO_KERNEL = (RuntimeError, OSError, ImportError, AssertionError, subprocess.SubprocessError)


def fusable(model: AutoregressiveModel) -> bool:
    """Whether `Fused` can run this model where it is; on a CPU only in Triton's interpreter, which is for tests."""
    if triton is None or model.name not in KERNELS or not isinstance(model.likelihood, Bernoulli):
        return False
    if not KERNELS[model.name].fits(model.config):
        return False
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    # Triton itself wants a compute capability of 8.0.
    runs = model.device.type == "cuda" and torch.cuda.get_device_capability(model.device) >= (8, 0) and compiles()
    return (runs or interpreted) and all(p.dtype == torch.float32 for p in model.parameters())


def compiles() -> bool:
    """Whether Triton will find a C compiler, `cc` not being one to it, and Python's header; as in its runtime/build.py."""
    scheme = sysconfig.get_default_scheme()
    include = sysconfig.get_paths("posix_prefix" if scheme == "posix_local" else scheme)["include"]  # Debian moved it
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return compiler is not None and (Path(include) / "Python.h").exists()


def fuse(model: AutoregressiveModel, cache: Cache) -> "Fused | None":
    """A kernel for the pictures in a cache, compiled; None, for steps to serve, where there is none or it cannot be had."""
    if not fusable(model):
        return None
    try:
        fused = Fused(model, cache)
        fused.compile()
    except (triton.TritonError, *NO_KERNEL) as error:
        logging.getLogger(__name__).warning("%s has no kernel here, so that its steps serve: %s", model.name, error)
        return None
    return fused


def rows_of(pictures: int, processors: int, most: int) -> int:
    """Pictures a program, a power of two: as few as let all programs run at once, and at most so many."""
    together = -(-pictures // processors)
    return min(most, 1 << max(0, together - 1).bit_length())


class Fused:
    """Pictures of one model and its cache, advanced by many pixels a call.

    The cache goes on to work for `model.prefill` and `model.step`: only that from now on its memories are parts of one
    tensor. So pictures are seated as ever, and `run` goes on from wherever steps have left them, and the other way round.
    """

    window = 64  # pixels of each picture between two looks at who else is there

    def __init__(self, model: AutoregressiveModel, cache: Cache, warps: int = 8):
        """warps: threads / 32 of a program."""
        assert fusable(model), f"{model.name} on {model.device} cannot be fused here"
        self.warps, self.most = warps, KERNELS[model.name].ROWS
        self.kernel = KERNELS[model.name].Kernel(model, cache)
        on_cuda = model.device.type == "cuda"
        self.processors = torch.cuda.get_device_properties(model.device).multi_processor_count if on_cuda else 1
        shape = len(cache.digits), cache.grid.height * cache.grid.width
        self.thresholds = torch.zeros(shape, dtype=torch.float64, device=model.device)

    @torch.inference_mode()
    def seat(self, slots: Tensor, levels: Tensor, known: Tensor, thresholds: Tensor) -> None:
        """What to draw in slots (n,), after `model.prefill`: levels, known and thresholds are (n, H * W) each.

        thresholds: of each pixel, the likelihood's; pixels that are known get their level whatever the network says.
        """
        fixed = torch.where(levels > 0, -torch.inf, torch.inf)
        self.thresholds[slots] = torch.where(known, fixed, thresholds).to(self.thresholds)

    def compile(self) -> None:
        """Have ready all that `run` may need: no first picture waits for it, and what cannot be had shows now."""
        nobody = torch.zeros(0, dtype=torch.long, device=self.thresholds.device)
        for power in range(self.most.bit_length()):
            self.run(nobody, nobody, nobody, 1, rows=1 << power)

    @torch.inference_mode()
    def run(
        self, slots: Tensor, fronts: Tensor, ends: Tensor, count: int, rows: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw up to `count` pixels of each picture in slots (n,), from its front (n,) and up to its end (n,), not with it.

        As for `model.step`, all pixels before each front are in the cache; those drawn will be. Returns their levels,
        long (n, count), and logits (n, count), on the model's device; what stands behind an end means nothing.
        rows: pictures a program, a power of two; more share each weight that is read.
        """
        device = self.thresholds.device
        levels = torch.zeros(len(slots), count, dtype=torch.long, device=device)
        logits = torch.zeros(len(slots), count, dtype=torch.float32, device=device)
        places = [index.to(levels).contiguous() for index in (slots, fronts, ends)]
        rows = rows or rows_of(len(slots), self.processors, self.most)
        with torch.cuda.device_of(self.thresholds):
            self.kernel.launch(rows, self.warps, self.thresholds, places, levels, logits)
        return levels, logits

"""Work on a CUDA device that is recorded once, to be set off as one: thousands of small kernels without a launch each.

A network of this repository is some hundred kernels of a few microseconds, and to launch one from Python takes as long.
Knows tensors and streams; no model, no training and no sampling.
"""

import threading
from collections.abc import Callable

import torch
from torch import Tensor

RECORDING = threading.Lock()  # torch records one graph at a time in a process


class Replay:
    """`work` of tensors with the shapes of `inputs`, on a CUDA device, as a CUDA graph; calling it copies new ones in.

    What it returns is one memory, written over by the next call. Work may not ask the device for anything on its way: no
    `.item()`, no shape that follows from values. It is done twice at first; what that leaves behind, but for random
    numbers, is the caller's to undo.
    """

    def __init__(self, work: Callable[..., Tensor], *inputs: Tensor):
        self.inputs = [tensor.clone() for tensor in inputs]
        # Libraries choose and reserve at the first call, which a recording does not allow.
        drawn = torch.cuda.get_rng_state()
        beside = torch.cuda.Stream(priority=torch.cuda.current_stream().priority)
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):
                work(*self.inputs)
        torch.cuda.current_stream().wait_stream(beside)
        torch.cuda.set_rng_state(drawn)  # what is recorded draws what it would have drawn
        self.graph = torch.cuda.CUDAGraph()
        with RECORDING, torch.cuda.graph(self.graph, stream=beside, capture_error_mode="thread_local"):
            self.output = work(*self.inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for mine, new in zip(self.inputs, inputs, strict=True):
            mine.copy_(new, non_blocking=True)
        self.graph.replay()
        return self.output

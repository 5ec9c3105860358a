"""CUDA graph capture: work that is recorded once and then launched as a whole.

A step of these networks is about a hundred kernels of a few microseconds each, and launching one from Python takes as long.
"""

import threading
from collections.abc import Callable

import torch
from torch import Tensor

CAPTURE_LOCK = threading.Lock()  # torch captures one graph at a time per process


class CudaGraph:
    """`work` on tensors with the shapes of `inputs`, captured as a CUDA graph; a call copies new inputs in.

    The output is one buffer, overwritten by the next call. Work must not synchronize with the host: no `.item()`, no shape
    that depends on values. It runs twice before the capture; except for the random state, the caller must undo its side
    effects.
    """

    def __init__(self, work: Callable[..., Tensor], *inputs: Tensor):
        self.inputs = [tensor.clone() for tensor in inputs]
        # Libraries select kernels and allocate at the first call, which is not allowed during capture.
        random_state = torch.cuda.get_rng_state()
        stream = torch.cuda.Stream(priority=torch.cuda.current_stream().priority)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                work(*self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.set_rng_state(random_state)
        self.graph = torch.cuda.CUDAGraph()
        with CAPTURE_LOCK, torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.output = work(*self.inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for buffer, new in zip(self.inputs, inputs, strict=True):
            buffer.copy_(new, non_blocking=True)
        self.graph.replay()
        return self.output

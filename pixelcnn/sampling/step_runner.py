"""Runs the steps of a network over its cache: as cached steps on a CPU, as CUDA graphs on a CUDA device."""

from collections import Counter

import torch
from torch import Tensor

from pixelcnn.cuda.graphs import CudaGraph
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.cache import Cache
from pixelcnn.nn.execution import CachedStep, CapturableStep, NotCapturable

MAX_GRAPH_PIXELS = 1024  # pixels per step on a CUDA device; with more pictures, larger windows do not pay
CAPTURE_AFTER = 3  # steps of one shape before it is captured, because capturing takes as long as several steps


class StepRunner:
    """The steps of a model, and the CUDA graphs captured so far."""

    def __init__(self, model: AutoregressiveModel, cache: Cache):
        self.model, self.cache = model, cache
        self.use_graphs = model.device.type == "cuda"  # until a layer raises NotCapturable
        self.graphs: dict[tuple[int, int], CudaGraph] = {}
        self.shape_counts: Counter[tuple[int, int]] = Counter()

    def window(self, pictures: int, accepted_length: float) -> int:
        """How many pixels of each picture to compute in one step, given the recent mean accepted length."""
        maximum = self.model.window
        if self.use_graphs:
            return max(1, min(maximum, MAX_GRAPH_PIXELS // batch_bucket(pictures)))
        # The fixed cost of a step is shared by all pictures, so with more pictures, wrong forecasts cost relatively more.
        # A window much longer than what was recently accepted does not pay either.
        return max(1, min(round(maximum / pictures**0.5), int(2 * accepted_length)))

    def __call__(self, slots: Tensor, before: Tensor, levels: Tensor, pixels: Tensor) -> Tensor:
        """Params (n, W, P) of pixels (n, W) in slots (n,), after writing levels (n, W) at the pixels `before` (n, W).

        All tensors are on the CPU. The pixels of a slot are consecutive; the last may be repeated to fill the window.
        """
        pictures, window = pixels.shape
        rows = torch.stack([slots[:, None].expand(-1, window), before, levels, pixels]).flatten(1)  # (4, n * W), one upload
        if not self.use_graphs:
            params = self.step(CachedStep, window, rows.to(self.model.device))
            return params.cpu().view(pictures, window, -1)
        # Pad to the captured batch size by repeating the last picture; it writes the same values again.
        padded = torch.cat([rows, rows[:, -window:].repeat(1, batch_bucket(pictures) - pictures)], 1)
        try:
            params = self.run_graph(window, padded)
        except NotCapturable:
            self.use_graphs = False
            return self(slots, before, levels, pixels)
        return params[: pictures * window].cpu().view(pictures, window, -1)

    def capture_all(self, slots: int) -> None:
        """Capture a graph for every batch size up to `slots`, so that no later step waits for it.

        The captured steps write to the first pixels of the slots, which must be empty.
        """
        bucket = 1
        while self.use_graphs and bucket <= batch_bucket(slots):
            window = self.window(bucket, 0.0)
            slot = torch.arange(bucket).clamp(max=slots - 1)[:, None].expand(-1, window)
            pixels = torch.arange(window).expand(bucket, -1)
            rows = torch.stack([slot, (pixels - 1).clamp(min=0), torch.zeros_like(pixels), pixels]).flatten(1)
            try:
                self.capture(window, rows)
            except NotCapturable:
                self.use_graphs = False
            bucket *= 2

    def capture(self, window: int, rows: Tensor) -> None:
        """Capture `step` for the shape of rows (4, B), which are on the CPU."""
        shape = (rows.shape[1], window)
        self.graphs[shape] = CudaGraph(lambda rows: self.step(CapturableStep, window, rows), rows.to(self.model.device))

    def run_graph(self, window: int, rows: Tensor) -> Tensor:
        """`step` as a CUDA graph once its shape has come often enough; rows are on the CPU."""
        shape = (rows.shape[1], window)
        self.shape_counts[shape] += 1
        if shape not in self.graphs:
            if self.shape_counts[shape] < CAPTURE_AFTER:
                return self.step(CapturableStep, window, rows.to(self.model.device))
            self.capture(window, rows)
        return self.graphs[shape](rows)

    def step(self, kind: type[CachedStep], pixels_per_slot: int, rows: Tensor) -> Tensor:
        """Params (B, P) in float64 from rows (4, B): slots, pixels to write, their levels, pixels to compute."""
        slots, before, levels, pixels = rows
        self.model.write(self.cache, slots, before, levels)
        return self.model.step(self.cache, slots, pixels, pixels_per_slot, kind).double()


def batch_bucket(pictures: int) -> int:
    """The batch size that is captured for this many pictures: the next power of two."""
    return 1 << (pictures - 1).bit_length()

"""Continuous batching: pictures of one model that advance together, each at its own pixel, in slots of one cache.

A step computes a window of pixels of every picture. The levels in the window are forecast, one batched step computes what
each pixel would be if the forecasts before it were right, and pixels are accepted up to and including the first that
differs from its forecast. With fixed noise the level of a pixel is a function of the pixels before it, so accepted pixels
are exactly those of one step per pixel (fixed-point iteration of predictive sampling, 2002.09928; nothing is rejected).
Binary models use a `Forecast`; for others the levels of the last step are the forecast.

Bookkeeping is NumPy on the CPU; the network and its cache are on the model's device. A step uploads pixels and levels and
downloads params, once.
"""

import numpy as np
import torch
from torch import Tensor

from pixelcnn.cuda.fused import try_fuse
from pixelcnn.distributions import Bernoulli, sample
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.forecast import Forecast
from pixelcnn.sampling.isolation import isolated
from pixelcnn.sampling.prefill import PrefixCache, prefill
from pixelcnn.sampling.result import Job
from pixelcnn.sampling.step_runner import StepRunner

ACCEPTED_LENGTH_RATE = 0.25  # of the moving average of accepted pixels per step


class ContinuousBatch:
    """Slots for pictures of one model."""

    def __init__(self, model: AutoregressiveModel, slots: int, prefixes: PrefixCache | None = None):
        """prefixes: activations of recent tops, kept by the caller for longer than the batch."""
        self.model = model
        self.prefixes = prefixes
        self.jobs: dict[Job, np.ndarray] = {}  # the slots of each job, (samples,)
        self.free = list(range(slots))  # ascending: using low slots first keeps the used ones dense
        self.cache = model.new_cache(slots)
        self.steps = StepRunner(model, self.cache)
        self.fused = try_fuse(model, self.cache)
        pixels = model.config.height * model.config.width
        self.x = np.zeros((slots, pixels), np.int64)  # levels; forecasts where not final
        self.noise = np.zeros((slots, pixels))
        self.drawn_probs = np.zeros((slots, pixels))
        self.nats = np.zeros((slots, pixels))
        self.unknown_before = np.zeros((slots, pixels + 1), np.int64)  # how many unknown pixels come before each pixel
        self.temperature = np.ones(slots)
        self.front = np.zeros(slots, np.int64)  # all pixels before it are final
        self.end = np.zeros(slots, np.int64)  # one past the last unknown pixel
        self.accepted_length = float(model.window)  # moving average of accepted pixels per picture and step
        self.forecasts: dict[int, Forecast] = {}  # by slot; empty unless pixels are binary

    @property
    def keep_warm(self) -> bool:
        """Whether to keep the batch when it is empty: on a CUDA device it holds captured graphs or a compiled kernel."""
        return self.fused is not None or self.steps.use_graphs

    def warm_up(self) -> None:
        """Capture the steps of all batch sizes as CUDA graphs, if there are any; only while no job is admitted."""
        if self.fused is None:
            with isolated(self.model):
                self.steps.capture_all(len(self.free))

    def admit(self, jobs: list[Job]) -> None:
        """Assign slots to jobs, of which there must be enough, and prefill them together."""
        slots = {job: self.assign_slots(job) for job in jobs}
        try:
            prefill(self.model, self.cache, slots, self.prefixes)
            if self.fused is not None:
                for job, group in slots.items():
                    self.admit_fused(job, group)
        except Exception:
            for job in jobs:
                self.evict(job)
            raise

    def admit_fused(self, job: Job, slots: np.ndarray) -> None:
        """Give the fused sampler the picture, the known pixels and the thresholds of a job's slots (samples,)."""
        assert self.fused is not None and isinstance(self.model.distribution, Bernoulli)
        thresholds = self.model.distribution.thresholds(job.noise, job.temperature)
        device = self.model.device
        picture, known = (part.expand(len(slots), -1).to(device) for part in (job.picture, ~job.unknown))
        self.fused.admit(torch.from_numpy(slots).to(device), picture, known, thresholds.to(device))

    def assign_slots(self, job: Job) -> np.ndarray:
        """The lowest free slots for a job, (samples,), with its pixels, noise and forecasts written to them."""
        taken, self.free = self.free[: job.samples], self.free[job.samples :]
        slots = self.jobs[job] = np.array(taken)
        picture, unknown, noise = job.picture.numpy(), job.unknown.numpy(), job.noise.numpy()
        self.x[slots], self.noise[slots], self.temperature[slots] = picture, noise, job.temperature
        self.unknown_before[slots, 1:] = unknown.cumsum()
        self.front[slots], self.end[slots] = job.result.order[0], job.result.order[-1] + 1
        if isinstance(self.model.distribution, Bernoulli) and self.fused is None:
            width = self.model.config.width
            for slot in taken:
                self.forecasts[slot] = Forecast(picture, unknown, self.noise[slot], job.temperature, width)
        return slots

    def evict(self, job: Job) -> None:
        """Free a job's slots, finished or not."""
        slots = self.jobs.pop(job)
        self.front[slots] = self.end[slots]
        self.free = sorted(self.free + slots.tolist())
        for slot in slots.tolist():
            self.forecasts.pop(slot, None)

    def step(self, jobs: list[Job] | None = None, window: int | None = None) -> int:
        """Advance every unfinished picture, of all jobs or of some; returns how many pixels became final."""
        active = self.front < self.end
        if jobs is not None:
            wanted = np.zeros_like(active)
            for job in jobs:
                wanted[self.jobs[job]] = True
            active &= wanted
        slots = np.flatnonzero(active)
        if not len(slots):
            return 0
        if window is None:
            window = self.fused.window if self.fused else self.steps.window(len(slots), self.accepted_length)
        front, end = self.front[slots, None], self.end[slots, None]
        pixels = np.minimum(front + np.arange(window), end - 1)  # (n, window)
        with isolated(self.model):
            accepted = np.minimum(self.advance(slots, pixels), (end - front)[:, 0])
        self.front[slots] += accepted
        self.accepted_length += ACCEPTED_LENGTH_RATE * (accepted.mean() - self.accepted_length)
        for job in self.jobs if jobs is None else jobs:
            job.result.steps += 1
        return int(accepted.sum())

    def advance(self, slots: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Compute windows (n, W) of slots (n,); returns how many pixels of each are accepted, (n,)."""
        if self.fused:
            self.sample_fused(slots[:, None], pixels)
            return np.full(len(slots), pixels.shape[1])
        self.predict(slots, pixels)
        forecast = self.x[slots[:, None], pixels]
        levels, logits = self.sample_window(slots[:, None], pixels)
        # A pixel is accepted if all forecasts before it were right; the first always is.
        accepted = 1 + (levels == forecast)[:, :-1].cumprod(1).sum(1)
        self.update_forecasts(slots, pixels, logits, np.minimum(accepted, self.end[slots] - self.front[slots]))
        return accepted

    def predict(self, slots: np.ndarray, pixels: np.ndarray) -> None:
        """Write forecast levels of windows (n, W); without a `Forecast`, the levels of the last step stay in place."""
        if self.forecasts:
            for slot, start, last in zip(slots.tolist(), pixels[:, 0].tolist(), pixels[:, -1].tolist(), strict=True):
                self.x[slot, start : last + 1] = self.forecasts[slot].predict(start, last + 1)

    def update_forecasts(self, slots: np.ndarray, pixels: np.ndarray, logits: np.ndarray, accepted: np.ndarray) -> None:
        """Give the forecasts the logits (n, W) of a step and how much of each window was accepted, (n,)."""
        if self.forecasts:
            starts, sizes = pixels[:, 0].tolist(), (pixels[:, -1] - pixels[:, 0] + 1).tolist()
            levels = self.x[slots, pixels[:, 0] + accepted - 1].tolist()
            for row, slot in enumerate(slots.tolist()):
                computed = logits[row, : sizes[row]].tolist()
                self.forecasts[slot].update(starts[row], computed, int(accepted[row]), levels[row])

    def sample_window(self, slots: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sample windows (n, W) of slots (n, 1) and record them: levels (n, W), and the first of the params (n, W)."""
        distribution = self.model.distribution
        params = self.params(slots, pixels)
        noise, temperature = torch.from_numpy(self.noise[slots, pixels]), torch.from_numpy(self.temperature[slots])
        drawn, drawn_probs = sample(distribution, params, noise, temperature)
        # Known pixels between unknown ones are computed too, because their features depend on what was sampled before.
        known = self.unknown_before[slots, pixels] == self.unknown_before[slots, pixels + 1]
        levels = np.where(known, self.x[slots, pixels], drawn.numpy())
        self.nats[slots, pixels] = -distribution.log_prob(params, torch.from_numpy(levels)).numpy()
        self.x[slots, pixels], self.drawn_probs[slots, pixels] = levels, drawn_probs.numpy()
        return levels, params[..., 0].numpy()

    def sample_fused(self, slots: np.ndarray, pixels: np.ndarray) -> None:
        """Sample windows (n, W) of slots (n, 1) with the fused kernel and record them."""
        assert self.fused is not None
        device, distribution = self.model.device, self.model.distribution
        slot, front, end = (
            torch.from_numpy(part).to(device) for part in (slots[:, 0], pixels[:, 0], self.end[slots[:, 0]])
        )
        drawn = self.fused.run(slot, front, end, pixels.shape[1])
        column = torch.from_numpy(pixels - pixels[:, :1])  # past the end, the last pixel is repeated
        levels, logits = (part.cpu().gather(1, column) for part in drawn)
        params, temperature = logits.double()[..., None], torch.from_numpy(self.temperature[slots])
        drawn_probs = distribution.log_probs(params, temperature).exp().gather(-1, levels[..., None])[..., 0]
        self.nats[slots, pixels] = -distribution.log_prob(params, levels).numpy()
        self.x[slots, pixels], self.drawn_probs[slots, pixels] = levels.numpy(), drawn_probs.numpy()

    def params(self, slots: np.ndarray, pixels: np.ndarray) -> Tensor:
        """The network's output for windows (n, W) of slots (n, 1): params (n, W, P) in float64, on the CPU."""
        # The level sampled or forecast before each pixel; before the first it is what the last step sampled.
        before = np.maximum(pixels - 1, 0)
        return self.steps(*map(torch.from_numpy, (slots[:, 0], before, self.x[slots, before], pixels)))

    def finished(self) -> list[Job]:
        """The jobs whose pictures are all complete."""
        active = self.front < self.end
        return [job for job, slots in self.jobs.items() if not active[slots].any()]

    def update_result(self, job: Job) -> None:
        """Bring the job's result up to date. Its arrays may be views of the batch's; `snapshot` copies them."""
        slots = self.jobs[job]
        adjacent = slots[-1] - slots[0] == len(slots) - 1
        rows = slice(slots[0], slots[-1] + 1) if adjacent else slots
        result = job.result
        result.x, result.drawn_probs, result.pixel_nats = (part[rows] for part in (self.x, self.drawn_probs, self.nats))
        result.done = int(self.unknown_before[slots, self.front[slots]].min())

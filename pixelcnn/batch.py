"""Pictures of one model that advance together, each at a pixel of its own, in slots of one cache.

A step works on a window of pixels of every picture at once: it guesses the levels in the window, works out in one batched
step what each pixel would be if the guesses before it were right, and keeps all up to the first that turns out
otherwise. With the noise fixed, a pixel's level is a function of the pixels before it, so what is kept is exactly what
one step per pixel would have drawn (the fixed-point view of 2002.09928). Guesses are a forecast's where there is one
for such pixels, and the last step's draws elsewhere.

The books are kept on the CPU; the model's device has the network and its cache. A step sends pixels and levels there and
fetches params, once. Knows no model by name, no page, no clock and no person.
"""

import numpy as np
import torch
from torch import Tensor

from pixelcnn.forecast import Forecast
from pixelcnn.fused import fuse
from pixelcnn.likelihoods import Bernoulli, draw
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.steps import Steps
from pixelcnn.trace import Job


class Batch:
    """Slots for pictures of one model."""

    def __init__(self, model: AutoregressiveModel, slots: int):
        self.model = model
        self.jobs: dict[Job, np.ndarray] = {}  # the slots of each, (samples,)
        self.free = list(range(slots))  # ascending: low slots first keeps the crowd together
        self.cache = model.new_cache(slots)
        self.steps = Steps(model, self.cache)
        self.fused = fuse(model, self.cache)
        pixels = model.config.height * model.config.width
        self.x = np.zeros((slots, pixels), np.int64)  # levels; guesses where not final
        self.noise = np.zeros((slots, pixels))
        self.chosen = np.zeros((slots, pixels))
        self.nats = np.zeros((slots, pixels))
        self.filled = np.zeros((slots, pixels + 1), np.int64)  # unknown pixels before each
        self.temperature = np.ones(slots)
        self.front = np.zeros(slots, np.int64)  # all pixels before it are final
        self.end = np.zeros(slots, np.int64)  # behind the last unknown pixel
        self.stretch = float(model.window)  # pixels of a window that stood in the last steps, about
        self.forecasts: dict[int, Forecast] = {}  # of slots; none where the likelihood is not of black and white

    @property
    def lasting(self) -> bool:
        """Whether it is worth keeping when nobody is in it: on a CUDA device, for what is recorded or laid out there."""
        return self.fused is not None or self.steps.by_heart

    @torch.inference_mode()
    def seat(self, job: Job) -> None:
        """Give a job its slots, of which there must be enough: samples of one digit share one pass over what is known."""
        taken, self.free = self.free[: job.samples], self.free[job.samples :]
        slots = self.jobs[job] = np.array(taken)
        picture, unknown, noise = job.picture.numpy(), job.unknown.numpy(), job.noise.numpy()
        self.x[slots], self.noise[slots], self.temperature[slots] = picture, noise, job.temperature
        self.filled[slots, 1:] = unknown.cumsum()
        self.front[slots], self.end[slots] = job.trace.order[0], job.trace.order[-1] + 1
        if isinstance(self.model.likelihood, Bernoulli) and self.fused is None:
            width = self.model.config.width
            for slot in taken:
                self.forecasts[slot] = Forecast(picture, unknown, self.noise[slot], job.temperature, width)
        # Without told pixels nothing depends on what lies below, and the pass need not go there.
        rows = job.trace.shape[0] if job.told is not None else self.cache.rows_before(int(job.trace.order[0]))
        device = self.model.device
        told = None if job.told is None else job.told.to(device)
        upper = job.picture.view(1, *job.trace.shape)[:, :rows].to(device)
        digits = job.draw_digits()
        for digit in digits.unique():
            some = torch.from_numpy(slots)[digits == digit].to(device)
            job.record_known(self.model.prefill(self.cache, some, upper, digit.view(1).to(device), told))
        if self.fused is not None:
            limits = self.model.likelihood.thresholds(job.noise, job.temperature).to(device)
            picture, known = (part.expand(len(slots), -1).to(device) for part in (job.picture, ~job.unknown))
            self.fused.seat(torch.from_numpy(slots).to(device), picture, known, limits)

    def leave(self, job: Job) -> None:
        """Free a job's slots, finished or not; nothing there is stepped any more."""
        slots = self.jobs.pop(job)
        self.front[slots] = self.end[slots]
        self.free = sorted(self.free + slots.tolist())
        for slot in slots.tolist():
            self.forecasts.pop(slot, None)

    @torch.inference_mode()
    def step(self, jobs: list[Job] | None = None, window: int | None = None) -> int:
        """Advance every picture that is not whole, of all jobs or of some; returns by how many pixels in all."""
        going = self.front < self.end
        if jobs is not None:
            wanted = np.zeros_like(going)
            for job in jobs:
                wanted[self.jobs[job]] = True
            going &= wanted
        slots = np.flatnonzero(going)
        if not len(slots):
            return 0
        window = window or (self.fused.window if self.fused else self.steps.window(len(slots), self.stretch))
        front, end = self.front[slots, None], self.end[slots, None]
        pixels = np.minimum(front + np.arange(window), end - 1)  # (n, window)
        if self.fused:
            self.run(slots[:, None], pixels)
            kept = np.minimum(window, (end - front)[:, 0])
        else:
            self.guess(slots, pixels)
            guesses = self.x[slots[:, None], pixels]
            levels, logits = self.draw(slots[:, None], pixels)
            # A pixel stands if all guesses before it were right; the first always does.
            kept = 1 + (levels == guesses)[:, :-1].cumprod(1).sum(1)
            kept = np.minimum(kept, (end - front)[:, 0])
            self.learn(slots, pixels, logits, kept)
        self.front[slots] += kept
        self.stretch += (kept.mean() - self.stretch) / 4
        for job in self.jobs if jobs is None else jobs:
            job.trace.steps += 1
        return int(kept.sum())

    def guess(self, slots: np.ndarray, pixels: np.ndarray) -> None:
        """Forecast the levels of windows (n, W), where there is a forecast; elsewhere the last draws are the guesses."""
        if self.forecasts:
            for slot, start, last in zip(slots.tolist(), pixels[:, 0].tolist(), pixels[:, -1].tolist(), strict=True):
                self.x[slot, start : last + 1] = self.forecasts[slot].guess(start, last + 1)

    def learn(self, slots: np.ndarray, pixels: np.ndarray, logits: np.ndarray, kept: np.ndarray) -> None:
        """Tell the forecasts what a step said of windows (n, W) and how much of each stands, (n,)."""
        if self.forecasts:
            starts, sizes = pixels[:, 0].tolist(), (pixels[:, -1] - pixels[:, 0] + 1).tolist()
            levels = self.x[slots, pixels[:, 0] + kept - 1].tolist()
            for row, slot in enumerate(slots.tolist()):
                said = logits[row, : sizes[row]].tolist()
                self.forecasts[slot].learn(starts[row], said, int(kept[row]), levels[row])

    def draw(self, slots: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw windows (n, W) of slots (n, 1) and write them down: levels (n, W), and the first of the params (n, W)."""
        likelihood = self.model.likelihood
        params = self.params(slots, pixels)
        levels, chosen = draw(
            likelihood, params, torch.from_numpy(self.noise[slots, pixels]), torch.from_numpy(self.temperature[slots])
        )
        # Known pixels between unknown ones are stepped over, for what layers make of them depends on what was drawn.
        known = self.filled[slots, pixels] == self.filled[slots, pixels + 1]
        levels = np.where(known, self.x[slots, pixels], levels.numpy())
        self.nats[slots, pixels] = -likelihood.log_prob(params, torch.from_numpy(levels)).numpy()
        self.x[slots, pixels], self.chosen[slots, pixels] = levels, chosen.numpy()
        return levels, params[..., 0].numpy()

    def run(self, slots: np.ndarray, pixels: np.ndarray) -> None:
        """Draw windows (n, W) of slots (n, 1) where a kernel does so by itself, and write them down."""
        places = (slots[:, 0], pixels[:, 0], self.end[slots[:, 0]])
        device, likelihood = self.model.device, self.model.likelihood
        drawn = self.fused.run(*(torch.from_numpy(part).to(device) for part in places), pixels.shape[1])
        column = torch.from_numpy(pixels - pixels[:, :1])  # behind an end, the last pixel again and again
        levels, logits = (part.cpu().gather(1, column) for part in drawn)
        params, temperature = logits.double()[..., None], torch.from_numpy(self.temperature[slots])
        chosen = likelihood.log_probs(params, temperature).exp().gather(-1, levels[..., None])[..., 0]
        self.nats[slots, pixels] = -likelihood.log_prob(params, levels).numpy()
        self.x[slots, pixels], self.chosen[slots, pixels] = levels.numpy(), chosen.numpy()

    def params(self, slots: np.ndarray, pixels: np.ndarray) -> Tensor:
        """What the network says of windows (n, W) of slots (n, 1): params (n, W, P) in float64, on the CPU."""
        # What was drawn or guessed before each pixel; before the first stands what the last step drew.
        before = np.maximum(pixels - 1, 0)
        return self.steps(*map(torch.from_numpy, (slots[:, 0], before, self.x[slots, before], pixels)))

    def whole(self) -> list[Job]:
        """The jobs of which every picture is whole."""
        going = self.front < self.end
        return [job for job, slots in self.jobs.items() if not going[slots].any()]

    def report(self, job: Job) -> None:
        """Bring the job's trace up to date. Its arrays may be the batch's own: `frozen` keeps them as they are."""
        slots = self.jobs[job]
        together = slots[-1] - slots[0] == len(slots) - 1
        rows = slice(slots[0], slots[-1] + 1) if together else slots
        job.trace.x, job.trace.chosen, job.trace.pixel_nats = (part[rows] for part in (self.x, self.chosen, self.nats))
        job.trace.done = int(self.filled[slots, self.front[slots]].min())

"""Pictures of one model that advance together, each at a pixel of its own, in slots of one cache.

A step works on a window of pixels of every picture at once: it guesses the levels in the window, works out in one batched
step what each pixel would be if the guesses before it were right, and keeps all up to the first that turns out
otherwise. With the noise fixed, a pixel's level is a function of the pixels before it, so what is kept is exactly what
one step per pixel would have drawn (the fixed-point view of 2002.09928). Guesses are free: the last step's draws.

Knows no model by name, no page, no clock and no person.
"""

import torch
from torch import Tensor

from pixelcnn.likelihoods import draw
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.trace import Job

ROWS_PER_STEP = 64  # pixels that advance in one step, over all pictures; benchmarks/RESULTS.md has the measurements


class Batch:
    """Slots for pictures of one model."""

    def __init__(self, model: AutoregressiveModel, slots: int):
        self.model = model
        self.jobs: dict[Job, Tensor] = {}  # the slots of each, (samples,)
        self.free = list(range(slots))  # ascending: low slots first keeps the crowd together
        self.cache = model.new_cache(slots)
        pixels, device = model.config.height * model.config.width, model.device
        self.x = torch.zeros(slots, pixels, dtype=torch.long, device=device)  # levels; guesses where not final
        self.noise = torch.zeros(slots, pixels, dtype=torch.double, device=device)
        self.chosen = torch.zeros(slots, pixels, dtype=torch.double, device=device)
        self.nats = torch.zeros(slots, pixels, dtype=torch.double, device=device)
        self.filled = torch.zeros(slots, pixels + 1, dtype=torch.long, device=device)  # unknown pixels before each
        self.temperature = torch.ones(slots, dtype=torch.double, device=device)
        self.front = torch.zeros(slots, dtype=torch.long, device=device)  # all pixels before it are final
        self.end = torch.zeros(slots, dtype=torch.long, device=device)  # behind the last unknown pixel

    @torch.inference_mode()
    def seat(self, job: Job) -> None:
        """Give a job its slots, of which there must be enough: its samples share one pass over what is known."""
        taken, self.free = self.free[: job.samples], self.free[job.samples :]
        slots = self.jobs[job] = torch.tensor(taken, device=self.x.device)
        self.x[slots], self.noise[slots] = job.picture.to(self.x.device), job.noise.to(self.x.device)
        self.filled[slots, 1:] = job.unknown.cumsum(0).to(self.x.device)
        self.temperature[slots] = job.temperature
        self.front[slots], self.end[slots] = int(job.trace.order[0]), int(job.trace.order[-1]) + 1
        picture = job.picture.view(1, *job.trace.shape).to(self.x.device)
        digit = torch.tensor([job.digit], device=self.x.device)
        told = None if job.told is None else job.told.to(self.x.device)
        job.record_known(self.model.prefill(self.cache, slots, picture, digit, told))

    def leave(self, job: Job) -> None:
        """Free a job's slots, finished or not; nothing there is stepped any more."""
        slots = self.jobs.pop(job)
        self.front[slots] = self.end[slots]
        self.free = sorted(self.free + slots.tolist())

    @torch.inference_mode()
    def step(self, jobs: list[Job] | None = None, window: int | None = None) -> int:
        """Advance every picture that is not whole, of all jobs or of some; returns by how many pixels in all."""
        going = self.front < self.end
        if jobs is not None:
            wanted = torch.zeros_like(going)
            for job in jobs:
                wanted[self.jobs[job]] = True
            going &= wanted
        slots = torch.nonzero(going)[:, 0]
        if not len(slots):
            return 0
        window = window or max(1, ROWS_PER_STEP // len(slots))
        front, end = self.front[slots], self.end[slots]
        ahead = torch.arange(window, device=slots.device)
        pixels = torch.minimum(front[:, None] + ahead, end[:, None] - 1)  # (n, window)
        right = self.draw(slots.repeat_interleave(window), pixels.flatten(), window).view(len(slots), window)
        # A pixel stands if all guesses before it were right; the first always does.
        kept = 1 + right[:, :-1].int().cumprod(1).sum(1)
        self.front[slots] = torch.minimum(front + kept, end)
        for job in self.jobs if jobs is None else jobs:
            job.trace.steps += 1
        return int((self.front[slots] - front).sum())

    def draw(self, slots: Tensor, pixels: Tensor, each: int) -> Tensor:
        """Draw pixels (N,) of slots (N,), `each` of a slot, and write them down; returns which were guessed right, (N,)."""
        likelihood, guesses = self.model.likelihood, self.x[slots, pixels]
        params = self.model.step(self.cache, slots, pixels, each).double()  # so that no temperature above zero overflows
        levels, chosen = draw(likelihood, params, self.noise[slots, pixels], self.temperature[slots])
        # Known pixels between unknown ones are stepped over, for what layers make of them depends on what was drawn.
        known = self.filled[slots, pixels] == self.filled[slots, pixels + 1]
        levels = torch.where(known, guesses, levels)
        self.x[slots, pixels], self.chosen[slots, pixels] = levels, chosen
        self.nats[slots, pixels] = -likelihood.log_prob(params, levels)
        self.model.write(self.cache, slots, pixels, levels)
        return levels == guesses

    def whole(self) -> list[Job]:
        """The jobs of which every picture is whole."""
        going = set(torch.nonzero(self.front < self.end)[:, 0].tolist())
        return [job for job, slots in self.jobs.items() if going.isdisjoint(slots.tolist())]

    def report(self, job: Job) -> None:
        """Bring the job's trace up to date. On a CPU its arrays may be the batch's own: `frozen` keeps them as they are."""
        slots = self.jobs[job]
        together = int(slots[-1]) - int(slots[0]) == len(slots) - 1
        rows = slice(int(slots[0]), int(slots[-1]) + 1) if together else slots
        job.trace.x, job.trace.chosen, job.trace.pixel_nats = (
            part[rows].numpy(force=True) for part in (self.x, self.chosen, self.nats)
        )
        job.trace.done = int(self.filled[slots, self.front[slots]].min())

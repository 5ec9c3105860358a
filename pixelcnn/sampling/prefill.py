"""Prefill: one padded full pass over the known pixels of many requests, which fills their slots of a cache.

For requests whose digit is sampled first, the same pass computes p(digit | known pixels) with every class, and each slot
takes the activations of its own digit from it. Recent passes are kept, for tops that are completed again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.cache import Activations, Cache
from pixelcnn.sampling.class_posterior import posterior_pass
from pixelcnn.sampling.isolation import isolated
from pixelcnn.sampling.request import ClassChoice
from pixelcnn.sampling.result import Job

PICTURES_PER_PASS = 80  # bounds the memory of a pass; more at once are not faster per picture
PREFIX_CACHE_BYTES = 64 * 2**20


class PrefixCache:
    """The class posterior and the activations of recently completed tops, least recently used first. Thread-safe."""

    def __init__(self, max_bytes: int = PREFIX_CACHE_BYTES):
        self.max_bytes = max_bytes
        self.bytes = 0
        self._entries: OrderedDict[bytes, tuple[Tensor, Activations]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> tuple[Tensor, Activations] | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: bytes, log_p: Tensor, activations: Activations) -> None:
        """Keep log likelihoods (classes, N + 1) and activations of one top; drops the oldest if there is no room."""
        with self._lock:
            if key in self._entries:
                return
            self._entries[key] = (log_p, activations)
            self.bytes += activations.nbytes
            while self.bytes > self.max_bytes:
                _, (_, dropped) = self._entries.popitem(last=False)
                self.bytes -= dropped.nbytes


def prefill(
    model: AutoregressiveModel, cache: Cache, slots: dict[Job, np.ndarray], prefixes: PrefixCache | None = None
) -> None:
    """Fill the slots of jobs, sampling the digit of each sample first where the request says so."""
    jobs = list(slots)
    sampled = [job for job in jobs if job.digit == ClassChoice.SAMPLED]
    given = [job for job in jobs if job.digit != ClassChoice.SAMPLED]
    with isolated(model):
        for group in chunks(sampled, max(1, PICTURES_PER_PASS // max(1, model.classes))):
            prefill_sampled(model, cache, {job: slots[job] for job in group}, prefixes)
        for hinted in (False, True):
            same = [job for job in given if (job.hints is not None) == hinted]
            for group in chunks(same, PICTURES_PER_PASS):
                prefill_given(model, cache, {job: slots[job] for job in group})


def chunks(jobs: list[Job], size: int) -> Iterator[list[Job]]:
    for start in range(0, len(jobs), size):
        yield jobs[start : start + size]


def prefill_sampled(
    model: AutoregressiveModel, cache: Cache, slots: dict[Job, np.ndarray], prefixes: PrefixCache | None
) -> None:
    """Fill the slots of jobs whose digits are sampled from p(digit | known pixels)."""
    found = {job: None if prefixes is None else prefixes.get(top_key(job)) for job in slots}
    missing = [job for job, entry in found.items() if entry is None]
    if missing:
        log_p, activations = posterior_pass(model, upper_rows(cache, missing).to(model.device))
        for place, job in enumerate(missing):
            found[job] = (log_p[place], activations.of_picture(place, model.classes))
    for job, entry in found.items():
        assert entry is not None
        log_p, activations = entry
        digits = job.sample_digits(log_p.cpu())
        activations.write(cache, torch.from_numpy(slots[job]).to(model.device), digits.to(model.device))
        if prefixes is not None and job in missing:  # an empty cache is false
            prefixes.put(top_key(job), log_p.clone(), activations.clone())


def prefill_given(model: AutoregressiveModel, cache: Cache, slots: dict[Job, np.ndarray]) -> None:
    """Fill the slots of jobs with a given digit or none; all of them have hints, or none has."""
    jobs = list(slots)
    digits = torch.tensor([job.digit for job in jobs]).to(model.device)
    hints = None
    if jobs[0].hints is not None:
        hints = torch.cat([job.hints for job in jobs if job.hints is not None]).to(model.device)
    params, activations = model.full_pass(upper_rows(cache, jobs).to(model.device), digits, hints)
    for place, job in enumerate(jobs):
        job.record_known_probabilities(params[place])
        group = torch.from_numpy(slots[job]).to(model.device)
        activations.write(cache, group, torch.full_like(group, place))


def upper_rows(cache: Cache, jobs: list[Job]) -> Tensor:
    """The pictures of jobs, levels (n, rows, W), with as many rows as the longest needs; whole pictures with hints."""
    height, width = jobs[0].result.shape
    rows = max(height if job.hints is not None else cache.prefill_rows(int(job.result.order[0])) for job in jobs)
    return torch.stack([job.picture for job in jobs]).view(-1, height, width)[:, :rows]


def top_key(job: Job) -> bytes:
    """Identifies the known pixels of a job: their number and their levels."""
    known = len(job.result.known_order)
    return known.to_bytes(4, "big") + job.picture[:known].to(torch.uint8).numpy().tobytes()

"""Prefill: many requests in one pass, sampled digits from the pass that computed their probabilities, repeated tops."""

import numpy as np
import pytest
import torch
from conftest import TINY, tiny_model

from pixelcnn import ClassChoice, Request
from pixelcnn.models import build
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.class_posterior import prefix_log_likelihoods
from pixelcnn.sampling.prefill import PrefixCache
from pixelcnn.sampling.result import Job, prepare
from pixelcnn.sampling.sampler import sample_cached, sample_reference

SIZE = (6, 6)


def requests(model) -> list[Request]:
    """Different tops, heights of the cut, digits and sample counts; two of them have the same top."""
    rng = np.random.default_rng(3)
    found = []
    for seed, rows in enumerate((0, 2, 3, 5, 3)):
        drawing = rng.integers(0, 256, SIZE)
        known = np.repeat(np.arange(SIZE[0]) < rows, SIZE[1]).reshape(SIZE).astype(int)
        choices = [ClassChoice.SAMPLED, ClassChoice.NONE, 4] if model.classes else [ClassChoice.NONE]
        found += [Request(drawing, known, 1 + seed % 3, seed=seed, digit=digit) for digit in choices]
    if model.accepts_any_mask:
        found.append(Request(rng.integers(0, 256, SIZE), rng.integers(0, 2, SIZE), 2, seed=9))
    return found


def run(batch: ContinuousBatch, jobs: list[Job]) -> None:
    batch.admit(jobs)
    while any(not job.result.finished for job in jobs):
        batch.step()
        for job in jobs:
            batch.update_result(job)
    for job in jobs:
        job.result = job.result.snapshot()
        batch.evict(job)


def assert_same(job: Job, other: Job) -> None:
    assert job.result.digits.tolist() == other.result.digits.tolist()
    assert (job.result.images == other.result.images).all()
    for field in ("drawn_probs", "pixel_nats", "known_probabilities"):
        torch.testing.assert_close(getattr(job.result, field), getattr(other.result, field), atol=1e-10, rtol=0)


def test_requests_admitted_together_give_the_pictures_of_each_alone(name):
    model = tiny_model(name, *SIZE)
    jobs = [prepare(model, request) for request in requests(model)]
    run(ContinuousBatch(model, sum(job.samples for job in jobs)), jobs)
    for job, request in zip(jobs, requests(model), strict=True):
        *_, alone = sample_cached(other := prepare(model, request))
        assert alone.finished
        assert_same(job, other)


@pytest.mark.parametrize("name", ["freeform", "gated_pixelcnn"])
def test_a_repeated_top_gives_the_same_pictures_without_a_second_pass(name, monkeypatch):
    model, prefixes = tiny_model(name, *SIZE), PrefixCache()
    sampled = [request for request in requests(model) if request.digit == ClassChoice.SAMPLED]
    first, second = ([prepare(model, request) for request in sampled] for _ in range(2))
    run(ContinuousBatch(model, 16, prefixes), first)
    assert len(prefixes) == len(sampled)

    def no_pass(*inputs: object) -> None:
        pytest.fail("a full pass was computed again")

    monkeypatch.setattr(model, "full_pass", no_pass)
    run(ContinuousBatch(model, 16, prefixes), second)
    for job, other in zip(first, second, strict=True):
        assert_same(job, other)


def test_the_prefix_cache_keeps_the_tops_that_were_used_last():
    model = tiny_model("freeform", *SIZE)
    probe = PrefixCache()
    run(ContinuousBatch(model, 1, probe), [prepare(model, Request(digit=ClassChoice.SAMPLED))])
    prefixes = PrefixCache(max_bytes=4 * probe.bytes)
    for level in (0, 1, 2, 3, 4, 5):
        drawing = np.full(SIZE, 0)
        drawing[0, level] = 255
        known = np.repeat(np.arange(SIZE[0]) < 1, SIZE[1]).reshape(SIZE).astype(int)
        run(ContinuousBatch(model, 1, prefixes), [prepare(model, Request(drawing, known, digit=ClassChoice.SAMPLED))])
        assert prefixes.bytes <= prefixes.max_bytes
    assert 0 < len(prefixes) <= 4


@pytest.mark.parametrize("class_blocks", [0, 1, 2])
def test_blocks_before_the_class_run_once_for_all_classes(class_blocks):
    """Likelihoods and pictures equal those of the definition, one pass per class."""
    torch.manual_seed(5)
    config = TINY["freeform"] | {"class_blocks": class_blocks, "height": SIZE[0], "width": SIZE[1]}
    model = build("freeform", **config).double().eval()
    for parameter in model.parameters():
        parameter.data.mul_(2.5)
    assert [block.digit is None for block in model.blocks] == [class_blocks > 0] * 3
    x = torch.randint(2, (3, *SIZE), generator=torch.Generator().manual_seed(1))
    expected = torch.stack([-model.nats(x, torch.full((3,), digit)).flatten(1).sum(1) for digit in range(10)], 1)
    torch.testing.assert_close(prefix_log_likelihoods(model, x)[..., -1], expected.detach(), atol=1e-10, rtol=0)
    for request in requests(model):
        *_, cached = sample_cached(prepare(model, request))
        *_, reference = sample_reference(prepare(model, request))
        assert (cached.images == reference.images).all() and cached.digits.tolist() == reference.digits.tolist()

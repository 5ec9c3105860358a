"""The kernel against the steps that it stands for: on a CUDA device, and a small one in Triton's interpreter on CPUs.

The interpreter, where Triton is installed: TRITON_INTERPRET=1 pytest tests/test_fused.py
"""

import os

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model

from pixelcnn import Request, fused
from pixelcnn.batch import Batch
from pixelcnn.fused import Fused, fusable
from pixelcnn.hub import load
from pixelcnn.likelihoods import draw
from pixelcnn.models import build
from pixelcnn.sampler import specification
from pixelcnn.trace import prepare

BOUND = 1e-4  # on logits; what differs is the order of sums in float32, which makes 3e-6 with the trained weights

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
interpreted = pytest.mark.skipif(
    fused.triton is None or os.environ.get("TRITON_INTERPRET") != "1", reason="needs Triton and TRITON_INTERPRET=1"
)


def odd_model():
    """A model in float32 of which no size is a power of two or a multiple of four, with room for mistakes in padding."""
    torch.manual_seed(3)
    model = build("pixelcnn", height=6, width=7, channels=21, blocks=2, head=7).eval()
    for parameter in model.parameters():
        parameter.data.mul_(1.7)
    return model


@torch.inference_mode()
def agree(model, pictures: int, rows: int | None = None) -> float:
    """Whether the kernel draws what steps and `draw` do, pictures being at pixels of their own; the largest difference.

    The steps are told what the kernel drew, so that one close call is not all that is compared from there on.
    """
    device, pixels = model.device, model.config.height * model.config.width
    generator = torch.Generator().manual_seed(pictures)
    x = random_images(model, pictures).flatten(1)
    noise = torch.rand(pictures, pixels, generator=generator, dtype=torch.float64)
    noise[0, :2] = 0.0  # the least that there is
    temperature = torch.linspace(0.5, 1.5, pictures, dtype=torch.float64)[:, None]
    slots = torch.randperm(pictures + 2, generator=generator)[:pictures].to(device)
    fronts = torch.randint(pixels // 2, (pictures,), generator=generator)
    fronts[0] = 0
    ends = torch.full((pictures,), pixels)
    ends[pictures // 2] -= pixels // 3  # one stops before the others
    known = torch.rand(pictures, pixels, generator=generator) < 0.2
    limits = model.likelihood.thresholds(noise, temperature)

    cache, plain = model.new_cache(pictures + 2), model.new_cache(pictures + 2)
    kernel = Fused(model, cache, rows)
    model.prefill(cache, slots, x.view(-1, model.config.height, model.config.width).to(device))
    for layer, memory in plain.memory.items():
        memory.copy_(cache.memory[layer])
    kernel.seat(slots, x.to(device), known.to(device), limits.to(device))
    some = pixels // 3
    parts = [
        kernel.run(slots, fronts.to(device), ends.to(device), some),  # and from where that ended
        kernel.run(slots, (fronts + some).minimum(ends).to(device), ends.to(device), pixels - some),
    ]
    levels, logits = (torch.cat([part[which] for part in parts], 1).cpu() for which in (0, 1))

    worst = 0.0
    for step in range(pixels):
        row = torch.nonzero(fronts + step < ends)[:, 0]
        if not len(row):
            break
        at = (fronts + step)[row]
        params = model.step(plain, slots[row.to(device)], at.to(device)).double().cpu()
        told = levels[row, step]
        model.write(plain, slots[row.to(device)], at.to(device), told.to(device))
        worst = max(worst, (params[:, 0] - logits[row, step]).abs().max().item())
        drawn, _ = draw(model.likelihood, params, noise[row, at], temperature[row, 0])
        close = (params[:, 0] - limits[row, at]).abs() < BOUND
        assert torch.where(known[row, at], told == x[row, at], (told == drawn) | close).all(), f"step {step}"
    assert worst < BOUND, worst
    for layer, memory in plain.memory.items():  # so that steps can go on from there
        torch.testing.assert_close(cache.memory[layer], memory, atol=BOUND, rtol=BOUND)
    return worst


@interpreted
@pytest.mark.parametrize(("pictures", "rows"), [(1, 1), (3, 2)])
def test_the_kernel_draws_what_steps_draw_in_the_interpreter(pictures, rows):
    agree(odd_model(), pictures, rows)


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize("make", [odd_model, lambda: load("pixelcnn")], ids=["odd", "trained"])
@pytest.mark.parametrize(("pictures", "rows"), [(1, None), (40, None), (40, 8)])
def test_the_kernel_draws_what_steps_draw_on_cuda(make, pictures, rows):
    model = make().cuda()
    if not fusable(model):
        pytest.skip("no Triton or no C compiler here")
    print("largest difference of logits:", agree(model, pictures, rows))


def same_by_batches(model) -> None:
    """Whether two requests in one batch come out as they do by steps on a CPU, pixel by pixel."""
    height, width = model.config.height, model.config.width
    known = np.arange(height)[:, None].repeat(width, 1) < height // 2
    drawing = np.random.default_rng(0).integers(0, 256, (height, width))
    requests = [Request(drawing, known, samples=3, seed=4, temperature=0.8), Request(samples=2, seed=5)]
    batch = Batch(model, 6)
    assert batch.fused is not None
    jobs = [prepare(model, request) for request in requests]
    batch.seat(jobs[0])
    batch.step(window=5)
    batch.seat(jobs[1])
    while batch.step(window=40):
        pass
    model.cpu()
    for job, request in zip(jobs, requests, strict=True):
        batch.report(job)
        *_, slow = specification(prepare(model, request))
        assert (job.trace.images == slow.images).all()
        np.testing.assert_allclose(job.trace.probabilities, slow.probabilities, atol=BOUND)
        np.testing.assert_allclose(job.trace.nats, slow.nats, atol=height * width * BOUND)


@interpreted
def test_batches_in_the_interpreter():
    same_by_batches(odd_model())


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize("make", [odd_model, lambda: load("pixelcnn")], ids=["odd", "trained"])
def test_batches_on_cuda(make, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # as the page has it
    model = make().cuda()
    if not fusable(model):
        pytest.skip("no Triton or no C compiler here")
    same_by_batches(model)


def test_without_triton_or_in_other_numbers_nothing_is_fusable(monkeypatch):
    assert not fusable(tiny_model("pixelcnn"))  # float64
    assert not fusable(tiny_model("gated_pixelcnn").float())
    assert not fusable(build("pixelcnn", channels=96))
    monkeypatch.setattr(fused, "triton", None)
    assert not fusable(odd_model())


def test_thresholds_are_where_draw_turns():
    model, generator = odd_model(), torch.Generator().manual_seed(0)
    noise, temperature = torch.rand(1000, generator=generator, dtype=torch.float64), torch.tensor(0.7)
    noise[0] = 0.0
    logits = torch.randn(1000, generator=generator, dtype=torch.float64)
    levels, _ = draw(model.likelihood, logits[:, None], noise, temperature)
    assert ((logits >= model.likelihood.thresholds(noise, temperature)) == levels.bool()).all()

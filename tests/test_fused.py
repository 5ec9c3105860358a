"""The kernels against the steps that they stand for: on a CUDA device, and of small models in Triton's interpreter on CPUs.

The interpreter, where Triton is installed: TRITON_INTERPRET=1 pytest tests/test_fused.py
"""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model

from pixelcnn import Request, fused
from pixelcnn.batch import Batch
from pixelcnn.fused import Fused, fusable, rows_of
from pixelcnn.hub import load
from pixelcnn.kernels import freeform
from pixelcnn.likelihoods import DiscretizedLogisticMixture, draw
from pixelcnn.models import build
from pixelcnn.sampler import specification
from pixelcnn.trace import prepare

BOUND = 1e-4  # on logits; what differs is the order of sums in float32, which makes 4e-6 with the trained weights

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
interpreted = pytest.mark.skipif(
    fused.triton is None or os.environ.get("TRITON_INTERPRET") != "1", reason="needs Triton and TRITON_INTERPRET=1"
)


ODD = {
    "pixelcnn": {"channels": 21, "blocks": 2, "head": 7},
    "freeform": {"channels": 21, "blocks": 3, "attend_every": 2, "heads": 3, "dim": 5, "given": 7, "head": 7},
}
NAMES = list(ODD)


def odd_model(name: str):
    """A model in float32 of which no size is a power of two or a multiple of four, with room for mistakes in padding."""
    torch.manual_seed(3)
    model = build(name, height=6, width=7, **ODD[name]).eval()
    for parameter in model.parameters():
        parameter.data.mul_(1.7)
    return model


def seat(model, cache, slots, x, generator) -> None:
    """Seat pictures x (n, H, W): each of any digit or none, and every second one told of pixels, where a model can be."""
    digits = torch.randint(-1, model.classes, (len(x),), generator=generator)
    told = torch.rand(x.shape, generator=generator) < 0.3
    for number in range(len(x)):
        one = slice(number, number + 1)
        hints = told[one].to(model.device) if model.takes_any_mask and number % 2 else None
        model.prefill(cache, slots[one], x[one].to(model.device), digits[one].to(model.device), hints)


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
    kernel = Fused(model, cache)
    seat(model, cache, slots, x.view(-1, model.config.height, model.config.width), generator)
    for layer, memory in plain.memory.items():
        memory.copy_(cache.memory[layer])
    plain.digits, plain.told = cache.digits, cache.told
    kernel.seat(slots, x.to(device), known.to(device), limits.to(device))
    some = pixels // 3
    parts = [
        kernel.run(slots, fronts.to(device), ends.to(device), some, rows),  # and from where that ended
        kernel.run(slots, (fronts + some).minimum(ends).to(device), ends.to(device), pixels - some, rows),
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
@pytest.mark.timeout(600)  # the interpreter takes its time
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("pictures", "rows"), [(1, 1), (3, 2)])
def test_the_kernel_draws_what_steps_draw_in_the_interpreter(name, pictures, rows, monkeypatch):
    monkeypatch.setattr(freeform, "HELD", 256)  # so that it takes attention several chunks
    print("largest difference of logits:", agree(odd_model(name), pictures, rows))


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [odd_model, load], ids=["odd", "trained"])
@pytest.mark.parametrize(("pictures", "most"), [(1, False), (40, False), (40, True)])
def test_the_kernel_draws_what_steps_draw_on_cuda(name, make, pictures, most):
    model = make(name).cuda()
    if not fusable(model):
        pytest.skip("no Triton or no C compiler here")
    print("largest difference of logits:", agree(model, pictures, fused.KERNELS[name].ROWS if most else None))


def same_by_batches(model) -> None:
    """Whether requests in one batch, some with a hole or a digit where a model can, come out as by steps on a CPU."""
    height, width = model.config.height, model.config.width
    known = np.arange(height)[:, None].repeat(width, 1) < height // 2
    drawing = np.random.default_rng(0).integers(0, 256, (height, width))
    requests = [Request(drawing, known, samples=3, seed=4, temperature=0.8), Request(samples=2, seed=5)]
    if model.takes_any_mask:
        hole = (np.arange(height) < height // 3)[:, None] | (np.arange(width) < width // 2)
        requests += [Request(drawing, hole, seed=6), Request(drawing, known, seed=7, digit=3)]
    batch = Batch(model, 8)
    assert batch.fused is not None
    jobs = [prepare(model, request) for request in requests]
    for job in jobs:
        batch.seat(job)
        batch.step(window=5)
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
@pytest.mark.timeout(600)  # the interpreter takes its time
@pytest.mark.parametrize("name", NAMES)
def test_batches_in_the_interpreter(name):
    same_by_batches(odd_model(name))


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [odd_model, load], ids=["odd", "trained"])
def test_batches_on_cuda(name, make, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # as the page has it
    model = make(name).cuda()
    if not fusable(model):
        pytest.skip("no Triton or no C compiler here")
    same_by_batches(model)


@pytest.mark.parametrize(
    ("name", "config", "fits"),
    [
        ("pixelcnn", {}, True),
        ("pixelcnn", {"channels": 96}, False),
        ("pixelcnn", {"head": 65}, False),
        ("freeform", {}, True),
        ("freeform", {"channels": 64}, True),
        ("freeform", {"channels": 80}, False),
        ("freeform", {"given": 64, "channels": 48}, False),
        ("freeform", {"heads": 8}, False),
        ("freeform", {"attend_every": 9}, False),
    ],
)
def test_kernels_are_for_models_that_they_have_room_for(name, config, fits):
    assert fused.KERNELS[name].fits(build(name, **config).config) is fits


@pytest.mark.parametrize(
    ("pictures", "rows"), [(0, 1), (1, 1), (132, 1), (133, 2), (264, 2), (265, 4), (1024, 4), (10_000, 4)]
)
def test_all_programs_run_at_once_while_they_can(pictures, rows):
    assert rows_of(pictures, processors=132, most=4) == rows
    assert rows_of(pictures, processors=132, most=1) == 1


def test_without_triton_or_in_other_numbers_nothing_is_fusable(monkeypatch):
    assert not any(fusable(tiny_model(name)) for name in NAMES)  # float64
    assert not fusable(tiny_model("gated_pixelcnn").float())
    gray = odd_model("pixelcnn")
    gray.likelihood = DiscretizedLogisticMixture()
    assert not fusable(gray)
    monkeypatch.setattr(fused, "triton", None)
    assert not any(fusable(odd_model(name)) for name in NAMES)


def test_where_a_kernel_cannot_be_had_steps_serve(monkeypatch, caplog):
    class TritonError(Exception):
        pass

    def refuse(*_):
        raise TritonError("too many registers")

    monkeypatch.setattr(fused, "triton", SimpleNamespace(TritonError=TritonError))
    monkeypatch.setattr(fused, "fusable", lambda model: True)
    monkeypatch.setattr(fused, "Fused", refuse)
    assert Batch(odd_model("freeform"), 1).fused is None
    assert "freeform has no kernel here, so that its steps serve: too many registers" in caplog.text


def test_thresholds_are_where_draw_turns():
    model, generator = odd_model("pixelcnn"), torch.Generator().manual_seed(0)
    noise, temperature = torch.rand(1000, generator=generator, dtype=torch.float64), torch.tensor(0.7)
    noise[0] = 0.0
    logits = torch.randn(1000, generator=generator, dtype=torch.float64)
    levels, _ = draw(model.likelihood, logits[:, None], noise, temperature)
    assert ((logits >= model.likelihood.thresholds(noise, temperature)) == levels.bool()).all()

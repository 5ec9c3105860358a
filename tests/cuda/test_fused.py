"""The fused kernels against the steps that they replace: on a CUDA device, and with small models in Triton's interpreter.

With Triton installed, on a CPU: TRITON_INTERPRET=1 pytest tests/cuda/test_fused.py
"""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model

from pixelcnn import Request
from pixelcnn.cuda import fused
from pixelcnn.cuda.fused import KERNELS, FusedSampler, choose_pictures_per_program, is_fusable
from pixelcnn.cuda.kernels import freeform
from pixelcnn.distributions import DiscretizedLogisticMixture, sample
from pixelcnn.hub import load
from pixelcnn.models import build
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.result import prepare
from pixelcnn.sampling.sampler import sample_reference

BOUND = 1e-4  # on logits; the order of sums in float32 differs, by up to 4e-6 with the trained weights

on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
interpreted = pytest.mark.skipif(
    fused.triton is None or os.environ.get("TRITON_INTERPRET") != "1", reason="needs Triton and TRITON_INTERPRET=1"
)


FREEFORM = {"channels": 21, "blocks": 3, "attend_every": 2, "heads": 3, "dim": 5, "given": 7, "head": 7}
ODD_SIZES = {
    "pixelcnn": {"channels": 21, "blocks": 2, "head": 7},
    "freeform": FREEFORM,
    "freeform-class-blocks": FREEFORM | {"class_blocks": 2, "class_channels": 18},
}
NAMES = ["pixelcnn", "freeform"]


def odd_model(name: str, **changes: int):
    """A model in float32 whose sizes are neither powers of two nor multiples of four, to reveal mistakes in padding."""
    torch.manual_seed(3)
    model = build(name.partition("-")[0], height=6, width=7, **ODD_SIZES[name], **changes).eval()
    for parameter in model.parameters():
        parameter.data.mul_(1.7)
    return model


MODELS = [*((odd_model, name) for name in ODD_SIZES), *((load, name) for name in NAMES)]


def prefill_slots(model, cache, slots, x, generator) -> None:
    """Prefill pictures x (n, H, W), each with a random class or none, every second one with hints if the model has them."""
    digits = torch.randint(-1, model.classes, (len(x),), generator=generator)
    hints = torch.rand(x.shape, generator=generator) < 0.3
    for number in range(len(x)):
        one = slice(number, number + 1)
        given = hints[one].to(model.device) if model.accepts_any_mask and number % 2 else None
        model.prefill(cache, slots[one], x[one].to(model.device), digits[one].to(model.device), given)


@torch.inference_mode()
def compare_with_steps(model, pictures: int, per_program: int | None = None) -> float:
    """Assert that the kernel samples what steps and `sample` would, at independent pixels; the largest logit difference.

    The steps are given the levels that the kernel sampled, so that they stay comparable after a logit at its threshold.
    """
    device, pixels = model.device, model.config.height * model.config.width
    generator = torch.Generator().manual_seed(pictures)
    x = random_images(model, pictures).flatten(1)
    noise = torch.rand(pictures, pixels, generator=generator, dtype=torch.float64)
    noise[0, :2] = 0.0  # the smallest possible value
    temperature = torch.linspace(0.5, 1.5, pictures, dtype=torch.float64)[:, None]
    slots = torch.randperm(pictures + 2, generator=generator)[:pictures].to(device)
    starts = torch.randint(pixels // 2, (pictures,), generator=generator)
    starts[0] = 0
    ends = torch.full((pictures,), pixels)
    ends[pictures // 2] -= pixels // 3  # one stops before the others
    known = torch.rand(pictures, pixels, generator=generator) < 0.2
    thresholds = model.distribution.thresholds(noise, temperature)

    cache, plain = model.new_cache(pictures + 2), model.new_cache(pictures + 2)
    kernel = FusedSampler(model, cache)
    prefill_slots(model, cache, slots, x.view(-1, model.config.height, model.config.width), generator)
    for layer, memory in plain.memory.items():
        memory.copy_(cache.memory[layer])
    plain.digits, plain.hinted = cache.digits, cache.hinted
    kernel.admit(slots, x.to(device), known.to(device), thresholds.to(device))
    count = pixels // 3
    second_starts = (starts + count).minimum(ends)
    runs = [
        kernel.run(slots, starts.to(device), ends.to(device), count, per_program),
        kernel.run(slots, second_starts.to(device), ends.to(device), pixels - count, per_program),  # continues the first
    ]
    levels, logits = (torch.cat([run[which] for run in runs], 1).cpu() for which in (0, 1))

    largest = 0.0
    for step in range(pixels):
        row = torch.nonzero(starts + step < ends)[:, 0]
        if not len(row):
            break
        at = (starts + step)[row]
        params = model.step(plain, slots[row.to(device)], at.to(device)).double().cpu()
        sampled = levels[row, step]
        model.write(plain, slots[row.to(device)], at.to(device), sampled.to(device))
        largest = max(largest, (params[:, 0] - logits[row, step]).abs().max().item())
        expected, _ = sample(model.distribution, params, noise[row, at], temperature[row, 0])
        at_threshold = (params[:, 0] - thresholds[row, at]).abs() < BOUND
        correct = torch.where(known[row, at], sampled == x[row, at], (sampled == expected) | at_threshold)
        assert correct.all(), f"step {step}"
    assert largest < BOUND, largest
    for layer, memory in plain.memory.items():  # so steps can continue where the kernel stopped
        torch.testing.assert_close(cache.memory[layer], memory, atol=BOUND, rtol=BOUND)
    return largest


@interpreted
@pytest.mark.timeout(600)  # the interpreter is slow
@pytest.mark.parametrize("name", ODD_SIZES)
@pytest.mark.parametrize(("pictures", "per_program"), [(1, 1), (3, 2)])
def test_the_kernel_equals_steps_in_the_interpreter(name, pictures, per_program, monkeypatch):
    monkeypatch.setattr(freeform, "CHUNK_SIZE", 256)  # several chunks of attention even for a small picture
    print("largest difference of logits:", compare_with_steps(odd_model(name), pictures, per_program))


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize(("make", "name"), MODELS)
@pytest.mark.parametrize(("pictures", "full"), [(1, False), (40, False), (40, True)])
def test_the_kernel_equals_steps_on_cuda(name, make, pictures, full):
    model = make(name).cuda()
    if not is_fusable(model):
        pytest.skip("needs Triton and a C compiler")
    per_program = KERNELS[model.name].MAX_PICTURES if full else None
    print("largest difference of logits:", compare_with_steps(model, pictures, per_program))


def compare_batch_with_reference(model) -> None:
    """Assert that a batch of requests, some with a digit or any mask, gives the pictures of the reference on a CPU."""
    height, width = model.config.height, model.config.width
    known = np.arange(height)[:, None].repeat(width, 1) < height // 2
    drawing = np.random.default_rng(0).integers(0, 256, (height, width))
    requests = [Request(drawing, known, samples=3, seed=4, temperature=0.8), Request(samples=2, seed=5)]
    if model.accepts_any_mask:
        corner_unknown = (np.arange(height) < height // 3)[:, None] | (np.arange(width) < width // 2)
        requests += [Request(drawing, corner_unknown, seed=6), Request(drawing, known, seed=7, digit=3)]
    batch = ContinuousBatch(model, 8)
    assert batch.fused is not None
    jobs = [prepare(model, request) for request in requests]
    for job in jobs:
        batch.admit([job])
        batch.step(window=5)
    while batch.step(window=40):
        pass
    model.cpu()
    for job, request in zip(jobs, requests, strict=True):
        batch.update_result(job)
        *_, reference = sample_reference(prepare(model, request))
        assert (job.result.images == reference.images).all()
        np.testing.assert_allclose(job.result.probabilities, reference.probabilities, atol=BOUND)
        np.testing.assert_allclose(job.result.nats, reference.nats, atol=height * width * BOUND)


@interpreted
@pytest.mark.timeout(600)  # the interpreter is slow
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_equals_the_reference_in_the_interpreter(name):
    compare_batch_with_reference(odd_model(name))


@pytest.mark.cuda
@on_cuda
@pytest.mark.parametrize(("make", "name"), MODELS)
def test_a_batch_equals_the_reference_on_cuda(name, make):
    model = make(name).cuda()
    if not is_fusable(model):
        pytest.skip("needs Triton and a C compiler")
    compare_batch_with_reference(model)


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
        ("freeform", {"class_blocks": 4, "class_channels": 48}, True),
        ("freeform", {"class_blocks": 4, "class_channels": 80}, False),
        ("freeform", {"batch_norm": 1}, False),
    ],
)
def test_kernels_support_models_up_to_their_largest_size(name, config, fits):
    assert KERNELS[name].fits(build(name, **config).config) is fits


@pytest.mark.parametrize(
    ("pictures", "per_program"), [(0, 1), (1, 1), (132, 1), (133, 2), (264, 2), (265, 4), (1024, 4), (10_000, 4)]
)
def test_programs_hold_the_fewest_pictures_with_which_all_run_at_once(pictures, per_program):
    assert choose_pictures_per_program(pictures, processors=132, maximum=4) == per_program
    assert choose_pictures_per_program(pictures, processors=132, maximum=1) == 1


def test_other_types_models_and_distributions_are_not_fusable_nor_anything_without_triton(monkeypatch):
    assert not any(is_fusable(tiny_model(name)) for name in NAMES)  # float64
    assert not is_fusable(tiny_model("gated_pixelcnn").float())
    gray = odd_model("pixelcnn")
    gray.distribution = DiscretizedLogisticMixture()
    assert not is_fusable(gray)
    monkeypatch.setattr(fused, "triton", None)
    assert not any(is_fusable(odd_model(name)) for name in NAMES)


def test_a_kernel_that_does_not_compile_is_replaced_by_cached_steps(monkeypatch, caplog):
    class TritonError(Exception):
        pass

    def fail(*_):
        raise TritonError("too many registers")

    monkeypatch.setattr(fused, "triton", SimpleNamespace(TritonError=TritonError))
    monkeypatch.setattr(fused, "is_fusable", lambda model: True)
    monkeypatch.setattr(fused, "FusedSampler", fail)
    assert ContinuousBatch(odd_model("freeform"), 1).fused is None
    assert "No fused kernel for freeform, using cached steps: too many registers" in caplog.text


def test_thresholds_are_the_logits_from_which_sampling_draws_ink():
    model, generator = odd_model("pixelcnn"), torch.Generator().manual_seed(0)
    noise, temperature = torch.rand(1000, generator=generator, dtype=torch.float64), torch.tensor(0.7)
    noise[0] = 0.0
    logits = torch.randn(1000, generator=generator, dtype=torch.float64)
    levels, _ = sample(model.distribution, logits[:, None], noise, temperature)
    assert ((logits >= model.distribution.thresholds(noise, temperature)) == levels.bool()).all()

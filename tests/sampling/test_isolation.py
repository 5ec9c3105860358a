"""Sampling gives the same picture whatever the caller's PyTorch settings are, and restores them."""

import threading

import numpy as np
import pytest
import torch
from conftest import tiny_model

from pixelcnn import InputError, Request, complete, stream
from pixelcnn.models import build
from pixelcnn.sampling.isolation import PRECISIONS, isolated

DROPOUT = {
    "channels": 4,
    "blocks": 3,
    "attend_every": 2,
    "heads": 2,
    "dim": 2,
    "given": 3,
    "head": 6,
    "dropout_percent": 50,
}


def model_with_dropout():
    """A tiny `freeform` in float32, in train mode."""
    torch.manual_seed(7)
    with torch.device("cpu"):
        model = build("freeform", height=5, width=6, **DROPOUT).float()
    for parameter in model.parameters():
        parameter.data.mul_(2.5)
    return model.train()


def settings(model) -> dict:
    return {
        "training": {name: module.training for name, module in model.named_modules()},
        "autocast": torch.is_autocast_enabled("cpu"),
        "cudnn_tf32": torch.backends.cudnn.allow_tf32,
        "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
        "precision": torch.get_float32_matmul_precision(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
    }


@pytest.fixture
def ambient():
    """Reduced precision and gradients enabled, under autocast to bfloat16, with another default dtype and device."""
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision(), torch.get_default_dtype()
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("medium")
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
        yield
    torch.set_default_device(None)
    torch.set_default_dtype(before[2])
    torch.set_float32_matmul_precision(before[1])
    torch.backends.cudnn.allow_tf32 = before[0]


REQUEST = Request(samples=3, seed=11, digit=-2)


@pytest.mark.parametrize("cached", [True, False])
def test_the_picture_does_not_depend_on_ambient_settings_and_they_are_restored(cached, request):
    model = model_with_dropout()
    expected = complete(model.eval(), samples=3, seed=11, digit=-2, cached=cached)
    model.train()
    model.blocks[1].eval()  # a mixture of modes is restored as well
    request.getfixturevalue("ambient")
    before = settings(model)
    assert before["autocast"] and before["cudnn_tf32"] and before["matmul_tf32"] and before["grad"]
    results = []
    for partial in stream(model, REQUEST, cached=cached):
        assert settings(model) == before, "the caller of the generator sees its own settings"
        results.append(partial)
    result = results[-1]
    assert settings(model) == before
    assert (result.images == expected.images).all() and (result.digits == expected.digits).all()
    np.testing.assert_array_equal(result.nats, expected.nats)
    np.testing.assert_array_equal(result.probabilities, expected.probabilities)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_inside_the_context_all_settings_are_fixed(ambient):
    model = model_with_dropout()
    with isolated(model):
        inside = settings(model)
    assert not any(inside["training"].values())
    assert not any((inside["autocast"], inside["cudnn_tf32"], inside["matmul_tf32"], inside["grad"]))
    assert inside["inference"] and inside["precision"] == "highest" and inside["device"].type == "cpu"


def test_settings_are_restored_after_an_error(ambient):
    model = model_with_dropout()
    before = settings(model)
    with pytest.raises(InputError), isolated(model):
        raise InputError("test", "Test.")
    assert settings(model) == before


def test_tf32_stays_off_until_the_last_thread_has_left(ambient):
    """The setting belongs to the process: a thread that leaves first must not restore it under the other."""
    model = model_with_dropout()
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with isolated(model):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with isolated(model):
        assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.allow_tf32, "the other thread is still inside"
    leave.set()
    thread.join()
    assert torch.backends.cudnn.allow_tf32 and torch.backends.cuda.matmul.allow_tf32


@pytest.fixture
def newer_settings():
    """TF32 enabled by PyTorch's newer settings, after which it refuses to read the older ones."""
    before = [setting.fp32_precision for setting in PRECISIONS]
    for setting in PRECISIONS:
        setting.fp32_precision = "tf32"
    yield
    for setting, value in zip(PRECISIONS, before, strict=True):
        setting.fp32_precision = value


def test_the_newer_settings_of_precision_are_replaced_and_restored(newer_settings):
    before = [setting.fp32_precision for setting in PRECISIONS]
    assert before == ["tf32"] * len(PRECISIONS)
    with isolated(tiny_model("pixelcnn")):
        assert {setting.fp32_precision for setting in PRECISIONS} <= {"ieee", "none"}
    assert [setting.fp32_precision for setting in PRECISIONS] == before


def test_the_picture_does_not_depend_on_the_number_of_threads(name):
    """Sums are rounded differently, so the probabilities may differ in their last digits."""
    model, results = tiny_model(name, 4, 4).float(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(complete(model, samples=3, seed=5))
        assert torch.get_num_threads() == threads
    assert (results[0].images == results[1].images).all()
    np.testing.assert_allclose(results[0].nats, results[1].nats, rtol=1e-4)

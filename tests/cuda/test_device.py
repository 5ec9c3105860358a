"""The choice of a device: what PyTorch lists is tried, and a device that fails is a sentence, not a traceback."""

import subprocess
import sys

import pytest
import torch
from conftest import DATA

from pixelcnn import InputError
from pixelcnn.cuda.device import choose_device

ROOT = DATA.parent.parent
REASON = "CUDA error: no kernel image is available for execution on the device"
# Stands for an old card or a broken driver: PyTorch lists a device, and its first operation fails.
BROKEN = f"""
import sys, torch
create = torch.ones
def ones(*sizes, device=None, **options):
    if device is not None and torch.device(device).type == "cuda":
        raise torch.AcceleratorError({REASON + chr(10) + "Compile with TORCH_USE_CUDA_DSA"!r})
    return create(*sizes, device=device, **options)
torch.ones, torch.cuda.is_available = ones, lambda: True
"""


@pytest.fixture
def broken_cuda(monkeypatch):
    def ones(*sizes, device=None):
        raise torch.AcceleratorError(REASON + "\nCompile with `TORCH_USE_CUDA_DSA`.")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", ones)


def test_auto_is_the_cpu_if_the_cuda_device_fails(broken_cuda, caplog):
    assert choose_device("auto") == torch.device("cpu")
    (line,) = caplog.messages
    assert REASON in line and line.endswith("The CPU is used.")


def test_cuda_that_fails_is_an_error(broken_cuda):
    with pytest.raises(InputError) as caught:
        choose_device("cuda")
    assert caught.value.code == "cuda_not_usable" and caught.value.params == {"reason": REASON}


def test_cuda_is_not_initialized_outside_the_workers_of_zerogpu(broken_cuda, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    assert choose_device("auto") == torch.device("cuda")


def test_the_cpu_is_never_tried(broken_cuda):
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.long
@pytest.mark.parametrize("command", [["app"], ["train", "pixelcnn", "--out", "a.safetensors"]])
def test_commands_end_with_the_sentence(command):
    module, *arguments = command
    code = f"{BROKEN}\nimport {module}\n{module}.main({[*arguments, '--device', 'cuda']})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode and "Traceback" not in run.stderr
    assert f"does not work with this PyTorch ({REASON})" in run.stderr, run.stderr

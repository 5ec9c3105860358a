"""Tiny real models, real digits, and no way out to the network."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import pytest
import torch

from pixelcnn.models import MODELS, build

DATA = Path(__file__).parent / "data"
TINY = {"pixelcnn": {"channels": 5, "blocks": 2, "head": 6}}


def tiny_model(name: str, height: int = 3, width: int = 3):
    """A real model of a few hundred random parameters, in float64."""
    torch.manual_seed(7)
    model = build(name, height=height, width=width, **TINY[name]).double().eval()
    for parameter in model.parameters():  # larger than at the start of training, so that pixels matter to each other
        parameter.data.mul_(2.5)
    return model


def random_images(model, count: int, seed: int = 0) -> torch.Tensor:
    """Levels (count, H, W)."""
    shape = (count, model.config.height, model.config.width)
    return torch.randint(model.likelihood.levels, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=list(MODELS))
def name(request) -> str:
    """Every registered model in turn."""
    return request.param


@pytest.fixture
def data() -> Path:
    """A small real sample of MNIST, in the formats that the whole comes in."""
    return DATA


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)

"""Tiny real models, real digits, and the app as people start it; the Hub is never asked."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import browser
import pytest
import torch
from browser import Page
from ray_head import run_ray_head

from benchmarks import clients
from pixelcnn.models import MODELS, build
from pixelcnn.nn.layers import BatchNorm
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.registry import ModelRegistry

DATA = Path(__file__).parent / "fixtures"
TINY = {
    "independent": {},
    "pixelcnn": {"channels": 5, "blocks": 2, "head": 6, "kernel": 5, "batch_norm": 1},
    "row_lstm": {"channels": 4, "layers": 2, "head": 6, "batch_norm": 1},
    "diagonal_bilstm": {"channels": 4, "layers": 2, "head": 6, "batch_norm": 1},
    "gated_pixelcnn": {"channels": 4, "layers": 3, "head": 6, "kernel": 5, "batch_norm": 1},
    "pixelcnn_pp": {
        "channels": 3,
        "blocks": 1,
        "scales": 2,
        "mixtures": 2,
        "levels": 2,
        "dropout_percent": 0,
        "batch_norm": 1,
    },
    "fast_weights": {"channels": 4, "layers": 2, "memory_every": 1, "kernel": 5, "head": 6, "hidden": 5, "batch_norm": 1},
    "dnc": {
        "channels": 4,
        "layers": 2,
        "memory_every": 2,
        "kernel": 5,
        "head": 6,
        "hidden": 3,
        "slots": 3,
        "slot_size": 2,
        "heads": 2,
        "batch_norm": 1,
    },
    "freeform": {
        "channels": 4,
        "blocks": 3,
        "attend_every": 2,
        "heads": 2,
        "dim": 2,
        "given": 3,
        "head": 6,
        "batch_norm": 1,
        "class_blocks": 2,
        "class_channels": 2,
    },
}


def tiny_model(name: str, height: int = 3, width: int = 3):
    """A real model of a few hundred random parameters, in float64; PixelCNN++ takes even sizes, so it gets the next."""
    torch.manual_seed(7)
    if name == "pixelcnn_pp":
        height, width = height + height % 2, width + width % 2
    model = build(name, height=height, width=width, **TINY[name]).double().eval()
    for module in model.modules():
        if isinstance(module, BatchNorm):  # statistics as after training, not the initial zeros and ones
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    for parameter in model.parameters():  # larger than at the start of training, so that pixels matter to each other
        parameter.data.mul_(1.2 if name == "pixelcnn_pp" else 2.5)  # whose weights begin larger than others'
    return model


def random_images(model, count: int, seed: int = 0) -> torch.Tensor:
    """Levels (count, H, W)."""
    shape = (count, model.config.height, model.config.width)
    return torch.randint(model.distribution.levels, shape, generator=torch.Generator().manual_seed(seed))


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


@pytest.fixture
def engine():
    """An engine on the bundled weights."""
    engine = Engine(ModelRegistry(device="cpu").model)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a running `python app.py`. The test session fails if it logs a traceback or leaves files."""
    log = tmp_path_factory.mktemp("server") / "log"
    with clients.server(log=log, temp=log.parent / "gradio") as address:
        yield address
        assert clients.server_status(address)["ready"], "the server died"
    assert "Traceback" not in log.read_text(), log.read_text()
    assert not list((log.parent / "gradio").rglob("*.*")), "files were left behind"


@pytest.fixture(scope="session")
def slow_server(tmp_path_factory):
    """The address of a server whose model takes seconds for 16 pictures, long enough to leave while they are computed."""
    folder = tmp_path_factory.mktemp("slow")
    with clients.server("--weights", clients.slow_weights(folder), log=folder / "log") as address:
        yield address


@pytest.fixture(scope="session")
def ray_head():
    """The address of a Ray cluster with two CPUs on this machine. Skips the test if Ray is not installed."""
    with run_ray_head(cpus=2) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium."""
    with browser.chromium() as started:
        yield started


@pytest.fixture
def app_page(chromium, server):
    """The page in a desktop window. The test fails on requests to other hosts and on console errors."""
    page = Page(chromium, server, viewport={"width": 1280, "height": 900})
    yield page
    page.close()

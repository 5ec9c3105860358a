"""On a CUDA device everything comes out as on a CPU: the definition, steps recorded or not, training."""

import json

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model
from test_laws import fill, some_masks, top

import train
from pixelcnn import Request
from pixelcnn.batch import Batch
from pixelcnn.sampler import specification
from pixelcnn.trace import prepare

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@torch.inference_mode()
def test_all_pixels_at_once(name):
    model = tiny_model(name, 5, 6)
    x = random_images(model, 4)
    on_cpu = model(x)
    torch.testing.assert_close(model.cuda()(x.cuda()).cpu(), on_cpu, atol=1e-10, rtol=0)


@pytest.mark.parametrize("often", [1, 3])
def test_recorded_steps_draw_the_same_picture(name, often, monkeypatch):
    """Requests one after the other in one batch, so that recordings are played over what others left behind."""
    monkeypatch.setattr("pixelcnn.steps.OFTEN", often)
    model = tiny_model(name, 5, 6)
    drawing, _ = top(model, 0)
    requests = [Request(drawing, known.numpy(), samples=3, seed=11) for known in some_masks(model)]
    slow = [list(specification(prepare(model, request)))[-1] for request in requests]
    batch = Batch(model.cuda(), 5)
    for request, expected in zip(requests, slow, strict=True):
        for window in (None, 4, None):
            job = prepare(model, request)
            fill(batch, job, window)
            assert (expected.images == job.trace.images).all()
            np.testing.assert_allclose(expected.nats, job.trace.nats, atol=1e-9)
            batch.leave(job)
    assert bool(batch.steps.replays) == batch.steps.by_heart


@pytest.mark.parametrize("accumulate", ["1", "2"])
def test_training(name, accumulate, data, tmp_path):
    """The same batches, the same start, so nearly the same nats: bfloat16 is rounded in another order."""
    dataset = "mnist-gray" if name == "pixelcnn_pp" else "mnist-threshold"
    small = "channels=4,dropout_percent=0" if name == "pixelcnn_pp" else "channels=4,head=4"
    nats = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.safetensors"
        facts = ["--data", str(data), "--dataset", dataset, "--out", str(out), "--run", str(tmp_path / device)]
        some = ["--steps", "30", "--batch", "8", "--every", "10", "--config", small, "--accumulate", accumulate]
        tell = ["--tell-apart", "0.1"] if name == "freeform" else []
        train.main([name, *facts, *some, *tell, "--device", device, "--workers", str(int(device == "cuda"))])
        lines = (tmp_path / device / "metrics.jsonl").read_text().splitlines()
        nats[device] = [json.loads(line)["train_nats"] for line in lines]
    np.testing.assert_allclose(nats["cuda"], nats["cpu"], rtol=0.01)

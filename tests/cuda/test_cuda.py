"""A CUDA device gives the same results as the CPU: full passes, sampling with captured graphs, training."""

import json

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model
from model_helpers import drawing_with_known_rows, sample_to_end, some_masks

import train
from pixelcnn import Request
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.result import prepare
from pixelcnn.sampling.sampler import sample_reference

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@torch.inference_mode()
def test_a_full_pass_equals_the_cpu(name):
    model = tiny_model(name, 5, 6)
    x = random_images(model, 4)
    on_cpu = model(x)
    torch.testing.assert_close(model.cuda()(x.cuda()).cpu(), on_cpu, atol=1e-10, rtol=0)


@pytest.mark.parametrize("capture_after", [1, 3])
def test_captured_steps_draw_the_same_picture(name, capture_after, monkeypatch):
    """Several requests in one batch, so that graphs run over memories that earlier requests have used."""
    monkeypatch.setattr("pixelcnn.sampling.step_runner.CAPTURE_AFTER", capture_after)
    model = tiny_model(name, 5, 6)
    drawing, _ = drawing_with_known_rows(model, 0)
    requests = [Request(drawing, known.numpy(), samples=3, seed=11) for known in some_masks(model)]
    references = [list(sample_reference(prepare(model, request)))[-1] for request in requests]
    batch = ContinuousBatch(model.cuda(), 5)
    for request, expected in zip(requests, references, strict=True):
        for window in (None, 4, None):
            job = prepare(model, request)
            sample_to_end(batch, job, window)
            assert (expected.images == job.result.images).all()
            np.testing.assert_allclose(expected.nats, job.result.nats, atol=1e-9)
            batch.evict(job)
    assert bool(batch.steps.graphs) == batch.steps.use_graphs


@pytest.mark.parametrize("accumulate", ["1", "2"])
def test_training_gives_nearly_the_same_nats_as_on_the_cpu(name, accumulate, data, tmp_path):
    """From the same start on the same batches; only rounding in bfloat16 differs."""
    dataset = "mnist-gray" if name == "pixelcnn_pp" else "mnist-threshold"
    small = {"independent": "", "pixelcnn_pp": "channels=4,dropout_percent=0"}.get(name, "channels=4,head=4")
    nats = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / f"{device}.safetensors"
        files = ["--data", str(data), "--dataset", dataset, "--out", str(out), "--run", str(tmp_path / device)]
        short = ["--steps", "30", "--batch", "8", "--checkpoint-every", "10", "--config", small, "--accumulate", accumulate]
        class_loss = ["--class-loss-weight", "0.1"] if name == "freeform" else []
        train.main([name, *files, *short, *class_loss, "--device", device, "--workers", str(int(device == "cuda"))])
        lines = (tmp_path / device / "metrics.jsonl").read_text().splitlines()
        nats[device] = [json.loads(line)["train_nats"] for line in lines]
    np.testing.assert_allclose(nats["cuda"], nats["cpu"], rtol=0.01)

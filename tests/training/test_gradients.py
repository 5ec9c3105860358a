"""Gradients from CUDA graphs equal those without, on a CPU with a stand-in for the graph."""

import pytest
import torch
from conftest import random_images, tiny_model
from torch import Tensor

import train
from pixelcnn.training.gradients import Gradients, GraphedGradients
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.optimizer import build_optimizers


class FakeGraph:
    """Like `CudaGraph`, runs the work twice before the capture, and writes to the memory that was attached then."""

    def __init__(self, work, *inputs: Tensor):
        self.work = work
        for _ in range(2):
            work(*inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self.work(*inputs)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("only", ["", "given"])
def test_graphs_leave_parameters_without_a_gradient_alone(data, tmp_path, monkeypatch, only, kind):
    """Batches with hints and without, in one or two pieces."""
    monkeypatch.setattr("pixelcnn.training.gradients.CudaGraph", FakeGraph)
    monkeypatch.setattr("torch.cuda.get_rng_state", torch.get_rng_state)
    monkeypatch.setattr("torch.cuda.set_rng_state", torch.set_rng_state)
    line = ["freeform", "--out", str(tmp_path / "a.safetensors"), "--batch", "4", "--class-loss-weight", "1"]
    options = train.parse([*line, "--device", "cpu"])
    results = []
    for accumulator in (Gradients, GraphedGradients):
        model = tiny_model("freeform", 4, 4).float().train()
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(only in name)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        gradients = accumulator(TrainingLoss(model, model, options), trained)
        optimizers = build_optimizers(model, kind, 10.0, fused=False)
        for step, pieces in enumerate((1, 2, 1, 2, 1)):
            x, hints = random_images(model, 4, seed=step), torch.zeros(4, 4, 4, dtype=torch.bool)
            hints[1, 2:] = True
            gradients.begin()
            for part, some in zip(x.chunk(pieces), hints.chunk(pieces), strict=True):
                gradients.add(part, torch.full((len(part),), 3), some if step % 2 else None)
            gradients.finish()
            encoder = model.given.convs[0].weight
            assert (encoder.grad is None) == (step % 2 == 0)
            for optimizer in optimizers.values():
                optimizer.step()
        results.append([parameter.detach() for parameter in model.parameters()])
    for plain, graphed in zip(*results, strict=True):
        torch.testing.assert_close(plain, graphed)

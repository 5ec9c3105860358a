"""A captured training step equals a plain one, on a CPU with a stand-in for the graph. So do its pictures."""

import numpy as np
import pytest
import torch
from conftest import tiny_model
from torch import Tensor

import train
from pixelcnn.data import Digits
from pixelcnn.training.batches import DevicePictures
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.optimizer import average_weight, build_optimizers
from pixelcnn.training.step import NEVER, CapturedTrainingStep, Piece, Progress, TrainingStep

COUNT, SIZE = 12, 4


class FakeGraph:
    """Like `CudaGraph`: runs the work twice before the capture, keeps its own inputs, and has one output buffer."""

    def __init__(self, work, *inputs: Tensor):
        self.work = work
        self.inputs = [tensor.clone() for tensor in inputs]
        for _ in range(2):
            work(*self.inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for buffer, new in zip(self.inputs, inputs, strict=True):
            buffer.copy_(new)
        return self.work(*self.inputs)


def pieces_of_step(number: int) -> list[Piece]:
    """A batch of four pictures in one or two pieces, every other one with hints."""
    rng = np.random.default_rng(number)
    index = torch.from_numpy(rng.integers(0, COUNT, 4))
    offsets = torch.from_numpy(rng.integers(-1, 2, (4, 2)))
    hints = torch.zeros(4, SIZE, SIZE, dtype=torch.bool)
    hints[1, 2:] = True
    parts = [index, offsets, torch.full((4,), 3), hints]
    chunks = zip(*(tensor.chunk(1 + number % 3 // 2) for tensor in parts), strict=True)
    return [Piece(first, second, third, fourth if number % 2 else None, None) for first, second, third, fourth in chunks]


def training_step(tmp_path, kind: str, only: str) -> TrainingStep:
    line = ["freeform", "--out", str(tmp_path / "a.safetensors"), "--batch", "4", "--class-loss-weight", "1"]
    model = tiny_model("freeform", SIZE, SIZE).float().train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(only in name)
    ink = np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE)).astype(np.uint8)
    pictures = DevicePictures(Digits(ink, np.zeros(COUNT, np.int64), "mnist-threshold"), "cpu")
    loss = TrainingLoss(model, model, train.parse([*line, "--device", "cpu"]))
    optimizers = build_optimizers(model, kind, 1.0).values()
    return TrainingStep(loss, tiny_model("freeform", SIZE, SIZE).float(), [*optimizers], pictures)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("only", ["", "given"])
def test_a_captured_step_equals_a_plain_one(tmp_path, only, kind):
    """The capture, which runs steps of its own, leaves no trace; parameters that a batch does not use do not change."""
    plain, captured = (training_step(tmp_path, kind, only) for _ in range(2))
    run = CapturedTrainingStep(captured, capture=FakeGraph)
    encoder = plain.loss.model.given.convs[0].weight
    for number in range(8):
        before = encoder.detach().clone()
        progress = Progress(0.01 / (number + 1), average_weight(0.9, number + 1), number)
        nats = [step(pieces_of_step(number), progress) for step in (plain, run)]
        torch.testing.assert_close(*nats)
        assert bool((encoder == before).all()) == (number % 2 == 0)
        for one, other in zip(plain.state(), captured.state(), strict=True):
            torch.testing.assert_close(one, other)
    assert len(run.graphs) == 4
    assert captured.first_not_finite.tolist() == [NEVER, NEVER]


def test_the_first_step_that_is_not_finite_is_remembered(tmp_path):
    step = training_step(tmp_path, "adamw", "")
    run = CapturedTrainingStep(step, capture=FakeGraph)
    run(pieces_of_step(0), Progress(1e-3, 0.1, 5))
    with torch.no_grad():
        step.loss.model.first.weight.view(-1)[0] = torch.nan
    for number in (6, 7):
        run(pieces_of_step(0), Progress(1e-3, 0.1, number))
    assert step.first_not_finite.tolist() == [6, 6]


@pytest.mark.parametrize("dataset", ["mnist-threshold", "mnist-resampled", "mnist-gray"])
def test_levels_on_the_device_equal_those_of_a_batch_on_the_host(dataset):
    ink = np.random.default_rng(0).integers(0, 256, (9, 5, 7)).astype(np.uint8)
    digits, index = Digits(ink, np.zeros(9), dataset), np.array([3, 1, 8])
    uniform = np.random.default_rng(1).random((3, 5, 7)) if digits.is_resampled else None
    levels = DevicePictures(digits, "cpu").levels(
        torch.from_numpy(index), torch.zeros(3, 2, dtype=torch.long), None if uniform is None else torch.from_numpy(uniform)
    )
    assert levels.dtype == torch.long
    assert (levels.numpy() == digits.batch(index, np.random.default_rng(1))).all()

"""One training step on the device, from the pictures to the moving average; on CUDA it is captured as a graph."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pixelcnn.cuda.graphs import CudaGraph
from pixelcnn.training.batches import DevicePictures
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.optimizer import set_learning_rate, update_average

MAX_GRADIENT_NORM = 100.0
NEVER = 2**62  # a step that no run reaches


class Piece(NamedTuple):
    """A part of a batch, see `Batch`; hints (B, H, W), bool, or None if no picture of the batch has any."""

    numbers: Tensor
    offsets: Tensor
    labels: Tensor
    hints: Tensor | None
    uniform: Tensor | None


class Progress(NamedTuple):
    """What differs between steps besides the batch: numbers, or tensors without dimensions on the device."""

    learning_rate: float | Tensor
    average_weight: float | Tensor  # of the new weights in the moving average
    step: int | Tensor  # counted from 0


class TrainingStep:
    """Gather the pictures, compute loss and gradients, clip them, update the weights and their moving average.

    Nothing in it waits for the device. A parameter that no piece used has no gradient (None) and is not changed.
    first_not_finite: the first steps whose nats and whose gradient were not finite, (2,), `NEVER` at first.
    """

    def __init__(
        self,
        loss: TrainingLoss,
        ema: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        pictures: DevicePictures,
    ):
        self.loss, self.ema, self.optimizers, self.pictures = loss, ema, optimizers, pictures
        self.trained = [parameter for parameter in loss.model.parameters() if parameter.requires_grad]
        self.first_not_finite = torch.full((2,), NEVER, device=pictures.ink.device)

    def __call__(self, pieces: Sequence[Piece], progress: Progress) -> Tensor:
        """Returns the nats per picture of the batch. Changes the model, its moving average and the optimizers' states."""
        for parameter in self.trained:
            parameter.grad = None
        nats = torch.stack([self._backward(piece) for piece in pieces]).sum()
        if self.loss.options.world_size > 1:
            nats = self._all_reduce(nats)
        changed = [parameter for parameter in self.trained if parameter.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(changed, MAX_GRADIENT_NORM) if changed else nats
        finite = torch.stack([nats, norm]).isfinite()
        earliest = self.first_not_finite.clamp(max=progress.step)
        self.first_not_finite.copy_(torch.where(finite, self.first_not_finite, earliest))
        set_learning_rate(self.optimizers, progress.learning_rate)
        for optimizer in self.optimizers:
            optimizer.step()
        update_average(self.ema, self.loss.model, progress.average_weight)
        return nats

    def _backward(self, piece: Piece) -> Tensor:
        levels = self.pictures.levels(piece.numbers, piece.offsets, piece.uniform)
        loss, nats = self.loss(levels, piece.labels, piece.hints)
        if loss.requires_grad:  # with --only, the trained parameters may have no part in this piece
            loss.backward()
        return nats.detach()

    def _all_reduce(self, nats: Tensor) -> Tensor:
        """Add up gradients and nats over all processes, in one exchange."""
        grads = [parameter.grad for parameter in self.trained if parameter.grad is not None]
        flat = torch.cat([nats.view(1), *(grad.flatten() for grad in grads)])
        torch.distributed.all_reduce(flat)
        parts = flat[1:].split([grad.numel() for grad in grads])
        for grad, part in zip(grads, parts, strict=True):
            grad.copy_(part.view_as(grad))
        return flat[0]

    def state(self) -> list[Tensor]:
        """Every tensor that a step changes."""
        states = [state for optimizer in self.optimizers for state in optimizer.state.values()]
        values = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        return [*self.loss.model.state_dict().values(), *self.ema.state_dict().values(), *values, self.first_not_finite]


class CapturedTrainingStep:
    """A `TrainingStep` as CUDA graphs, one for each shape of the pieces; `capture` is `CudaGraph`, or a fake in tests."""

    def __init__(self, step: TrainingStep, capture: Callable[..., Callable[..., Tensor]] = CudaGraph):
        self.step = step
        self.capture = capture
        self.graphs: dict[tuple, Callable[..., Tensor]] = {}

    def __call__(self, pieces: Sequence[Piece], progress: Progress) -> Tensor:
        inputs = [tensor for piece in pieces for tensor in piece if tensor is not None]
        inputs.append(torch.tensor(progress, dtype=torch.float64))
        key = tuple(None if tensor is None else tensor.shape for piece in pieces for tensor in piece)
        if key not in self.graphs:
            self.graphs[key] = self._capture(pieces, inputs)
        return self.graphs[key](*inputs).clone()

    def _capture(self, pieces: Sequence[Piece], inputs: list[Tensor]) -> Callable[..., Tensor]:
        """Capturing runs the step twice; everything that it changes is restored."""
        before = [(tensor, tensor.clone()) for tensor in self.step.state()]
        device = self.step.pictures.ink.device

        def work(*inputs: Tensor) -> Tensor:
            tensors = iter(inputs)
            parts = [
                piece._replace(**{name: next(tensors) for name, tensor in piece._asdict().items() if tensor is not None})
                for piece in pieces
            ]
            rate, weight, number = next(tensors)
            return self.step(parts, Progress(rate.float(), weight.float(), number.long()))

        graph = self.capture(work, *(tensor.to(device) for tensor in inputs))
        with torch.no_grad():
            for tensor in self.step.state():
                tensor.zero_()  # states of the optimizers that were created just now start with zeros
            for tensor, value in before:
                tensor.copy_(value)
        return graph

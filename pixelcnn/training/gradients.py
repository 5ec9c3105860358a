"""Gradients of a batch, added up over its pieces; on CUDA each piece is a captured graph."""

import torch
from torch import Tensor, nn

from pixelcnn.cuda.graphs import CudaGraph
from pixelcnn.training.loss import TrainingLoss


class Gradients:
    """Adds up gradients of the loss in `parameter.grad`. Parameters that no piece used have no gradient (None)."""

    def __init__(self, loss: TrainingLoss, parameters: list[nn.Parameter]):
        self.loss = loss
        self.parameters = parameters

    def begin(self) -> None:
        """Start a batch."""
        for parameter in self.parameters:
            parameter.grad = None

    def add(self, x: Tensor, labels: Tensor, hints: Tensor | None) -> Tensor:
        """Add the gradients of one piece; returns its nats divided by the size of the batch, on the device."""
        return self._backward(x, labels, hints)

    def finish(self) -> None:
        """End a batch."""

    def _backward(self, x: Tensor, labels: Tensor, hints: Tensor | None = None) -> Tensor:
        loss, nats = self.loss(x, labels, hints)
        if loss.requires_grad:  # with --only, the trained parameters may have no part in this piece
            loss.backward()
        return nats.detach()


class GraphedGradients(Gradients):
    """Gradients from CUDA graphs, one for each shape of a piece.

    Graphs write to fixed memory, so every parameter has a gradient buffer. Which parameters a graph uses is found once,
    before it is captured; the others have no gradient in the end, as without graphs.
    """

    def __init__(self, loss: TrainingLoss, parameters: list[nn.Parameter]):
        super().__init__(loss, parameters)
        self.buffers = [torch.zeros_like(parameter) for parameter in parameters]
        self.graphs: dict[tuple[int, bool], CudaGraph] = {}
        self.used_by: dict[tuple[int, bool], set[int]] = {}
        self.used: set[int] = set()  # indices of parameters with a gradient in this batch

    def begin(self) -> None:
        self.used = set()
        torch._foreach_zero_(self.buffers)
        self._attach_buffers()

    def add(self, x: Tensor, labels: Tensor, hints: Tensor | None) -> Tensor:
        inputs = [x, labels] if hints is None else [x, labels, hints]
        key = (len(x), hints is None)
        if key not in self.graphs:
            self._capture(key, inputs)
        self.used |= self.used_by[key]
        return self.graphs[key](*inputs).clone()

    def finish(self) -> None:
        for index, parameter in enumerate(self.parameters):
            if index not in self.used:
                parameter.grad = None

    def _attach_buffers(self) -> None:
        for parameter, buffer in zip(self.parameters, self.buffers, strict=True):
            parameter.grad = buffer

    def _capture(self, key: tuple[int, bool], inputs: list[Tensor]) -> None:
        """Capture a graph; gradients, buffers of the model and the random state are unchanged afterwards."""
        changed = [*self.buffers, *self.loss.model.buffers()]
        before = [tensor.clone() for tensor in changed]
        super().begin()
        random_state = torch.cuda.get_rng_state()
        self._backward(*inputs)
        torch.cuda.set_rng_state(random_state)
        self.used_by[key] = {index for index, parameter in enumerate(self.parameters) if parameter.grad is not None}
        self._attach_buffers()
        self.graphs[key] = CudaGraph(self._backward, *inputs)
        for tensor, value in zip(changed, before, strict=True):
            tensor.copy_(value)

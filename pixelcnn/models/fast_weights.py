"""Fast weights: every row is stored in a matrix that changes while the picture is read, and later rows attend to it.

    [1] J. Ba, G. Hinton, V. Mnih, J. Z. Leibo, C. Ionescu, "Using Fast Weights to Attend to the Recent Past", 2016,
        arXiv:1610.06258.

    A(t) = lambda A(t-1) + eta h(t) h(t)^T                              fast weights ([1], equation 1)
    h_0(t+1) = f(W h(t) + C x(t+1))                                     a first guess
    h_s+1(t+1) = f(LN[W h(t) + C x(t+1) + A(t) h_s(t+1)])               the inner loop (equation 2, with layer norm)

        C x(t+1) --+--> f --> h_0 --> A(t) --> + --> f(LN) --> h(t+1) --> into A(t+1)
        W h(t)   --+---------------------------+

A need not be stored: A(t) h = sum of eta lambda^(t-tau) h(tau) [h(tau) . h] over the rows tau, which is attention to the
rows above with weights that fade (equation 4). The hidden states of the rows are what the cache holds.

Here, time t is the row, x(t) the features of the rows above it, and every column has its own A, with W and C in common.
See `row_memory` for the network around the memory.

Deviations: [1] has no model of pictures that predicts pixels. W also reads the hidden states of both neighboring columns,
as in Row LSTM. eta is divided by the number of hidden units in the picture model, so that A(t) h does not drown W h + C x;
in the associative retrieval task (benchmarks/associative_retrieval.py) it is that of [1].
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pixelcnn.models import row_memory
from pixelcnn.models.row_memory import RECURRENT_ONLY, RowMemoryModel
from pixelcnn.nn.module import Module
from pixelcnn.nn.row_memory import RowMemory, neighbors


@dataclass(frozen=True)
class Config(row_memory.Config):
    RANGES = row_memory.Config.RANGES | {
        "inner_steps": range(1, 65),
        "decay_percent": range(101),
        "rate_percent": range(1001),
    }

    inner_steps: int = 1  # S of [1]
    decay_percent: int = 95  # 100 lambda
    rate_percent: int = 100  # 100 eta, to be divided by the number of hidden units


class FastWeights(Module):
    """The cell of [1] without the slow weights W and C: a hidden state from W h + C x and all earlier hidden states."""

    def __init__(self, hidden: int, *, inner_steps: int = 1, decay: float = 0.95, rate: float = 0.5, on: bool = True):
        super().__init__()
        self.inner_steps, self.decay, self.rate, self.on = inner_steps, decay, rate, on
        self.norm = nn.LayerNorm(hidden)

    def forward(self, drive: Tensor, history: Tensor) -> Tensor:
        """h(t+1) (N, n) from W h(t) + C x(t+1), (N, n), and h(1) to h(t), (N, t, n)."""
        h = self.first_guess(drive)
        for _ in range(self.inner_steps):
            recalled = (self.attention(h, history)[:, None] @ history)[:, 0]  # A(t) h
            h = torch.relu(self.norm(drive + recalled * self.on))
        return h

    def first_guess(self, drive: Tensor) -> Tensor:
        """h_0 (N, n), which is not normalized: with layer norm, A h_0 drowns W h + C x at first, and little is learned."""
        return torch.relu(drive)

    def attention(self, h: Tensor, history: Tensor) -> Tensor:
        """eta lambda^(t-tau) [h(tau) . h] for h (N, n) and every row tau of the history (N, t, n): (N, t)."""
        # As a row times a matrix: a matrix times a column takes torch five times as long.
        return (h[..., None, :] @ history.mT)[..., 0, :] * self.strengths(history)

    def strengths(self, history: Tensor) -> Tensor:
        """eta lambda^(t-tau) for tau from 1 to t, (t,)."""
        age = torch.arange(history.shape[-2] - 1, -1, -1, dtype=history.dtype, device=history.device)
        return self.rate * self.decay**age

    def matrix(self, history: Tensor) -> Tensor:
        """A(t) (N, n, n) from h(1) to h(t), (N, t, n)."""
        return (history * self.strengths(history)[:, None]).mT @ history


class FastWeightsMemory(RowMemory):
    """The hidden states of a column, row by row; the network reads all of them."""

    reads_all_rows = True

    def __init__(self, config: Config):
        hidden = config.hidden
        super().__init__(config.channels, driven=hidden, hidden=hidden, readable=hidden, state_size=hidden)
        self.cell = FastWeights(
            hidden,
            inner_steps=config.inner_steps,
            decay=config.decay_percent / 100,
            rate=config.rate_percent / 100 / hidden,
            on=config.memory != RECURRENT_ONLY,
        )

    def advance(self, drive: Tensor, history: Tensor) -> Tensor:
        return self.cell(drive, history)


class FastWeightsModel(RowMemoryModel):
    config: Config
    name = "fast_weights"

    def new_row_memory(self) -> RowMemory:
        return FastWeightsMemory(self.config)


@dataclass(frozen=True)
class MemoryView:
    """What a memory does while a picture is read. All pixels of row r know the rows before r only.

    hidden: h of every row and column, (H, W, n).
    attention: how strongly h_0 of a pixel attends to h of each row of its column, (H, W, H); zero from its own row on.
    """

    hidden: Tensor
    attention: Tensor
    cell: FastWeights

    def matrix(self, row: int, column: int) -> Tensor:
        """A as the pixel in this row and column reads it, (n, n): made of the rows before."""
        return self.cell.matrix(self.hidden[None, :row, column])[0]


@torch.no_grad()
def view_memory(model: FastWeightsModel, picture: Tensor, number: int = -1) -> MemoryView:
    """One memory of the model, by default the last, while it reads levels (H, W)."""
    memory, inputs, (hidden,) = model.memory_inputs_and_states(picture[None], number)
    assert isinstance(memory, FastWeightsMemory)
    before = torch.cat([torch.zeros_like(hidden[:1]), hidden[:-1]])
    guess = memory.cell.first_guess(memory.input(inputs[0]) + neighbors(before) @ memory.weight)
    attention = hidden.new_zeros(*hidden.shape[:2], len(hidden))
    for row in range(1, len(hidden)):
        attention[row, :, :row] = memory.cell.attention(guess[row], hidden[:row].transpose(0, 1))
    return MemoryView(hidden, attention, memory.cell)

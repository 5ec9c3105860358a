"""What the memory of `fast_weights` or `dnc` does while a picture is read: where it attends, writes and reads by row."""

from dataclasses import dataclass

import numpy as np

from pixelcnn.errors import InputError
from pixelcnn.images import ink_to_levels
from pixelcnn.models import dnc, fast_weights
from pixelcnn.models.base import AutoregressiveModel


@dataclass(frozen=True)
class FastWeightsView:
    """The last memory of a `fast_weights` model. What is said of row r depends on the rows before r only.

    attention: how strongly a pixel attends to each row of its column, (H, W, H), at least 0; 0 from its own row on.
    hidden: h of every row and column, (H, W, n). The fast weights that the pixels of row r read are the sum over the rows
    tau before r of rate * decay ** (r - 1 - tau) * h(tau) h(tau)^T, one matrix for every column.
    """

    attention: np.ndarray
    hidden: np.ndarray
    decay: float
    rate: float

    def matrix(self, row: int, column: int) -> np.ndarray:
        """A as the pixel in this row and column reads it, (n, n)."""
        above = self.hidden[:row, column]
        strengths = self.rate * self.decay ** np.arange(row - 1, -1, -1)
        return (above * strengths[:, None]).T @ above


@dataclass(frozen=True)
class DNCView:
    """The last memory of a `dnc` model: where each row is written and read, for every column.

    write: weights of the slots, (H, W, slots). read: the same of each head, (H, W, heads, slots). All are from 0 to 1.
    """

    write: np.ndarray
    read: np.ndarray


MemoryView = FastWeightsView | DNCView


def memory_view(model: AutoregressiveModel, ink: np.ndarray) -> MemoryView:
    """The memory of a model that reads a picture, ink 0..255 (H, W). Raises InputError if the model has no memory."""
    x = ink_to_levels(ink.astype(float), model.distribution.levels).to(model.device)
    if isinstance(model, fast_weights.FastWeightsModel):
        fast = fast_weights.view_memory(model, x)
        attention, hidden = (part.numpy(force=True) for part in (fast.attention, fast.hidden))
        return FastWeightsView(attention, hidden, fast.cell.decay, fast.cell.rate)
    if isinstance(model, dnc.DNC):
        state = dnc.view_memory(model, x)
        return DNCView(state.write_weights.numpy(force=True), state.read_weights.numpy(force=True))
    raise InputError("no_memory", "{model} has no memory that can be shown. Choose fast_weights or dnc.", model=model.name)

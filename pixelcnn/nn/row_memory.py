"""Memories that run from row to row in every column: a scan over the rows in a full pass, and in steps one row at a time.

    s s s s s      The state s of a pixel depends on its input x, which is a function of the rows above only, on the hidden
    . s s s .      part of the three states above it, and on the states above it in its own column: of the last row (DNC) or
    . . x . .      of all rows (fast weights).

The state of a row is computed once, when the rows above are final.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixelcnn.nn.cache import CachedLayer, Grid
from pixelcnn.nn.execution import CachedStep, FullPass
from pixelcnn.nn.layers import Linear

ABOVE = ((-1, -1), (-1, 0), (-1, 1))


class RowMemory(CachedLayer):
    """A recurrent cell with weights shared by all columns. A subclass defines `advance`.

    The numbers of a state are in this order: the hidden part, whatever else the network reads, the rest. The states above
    the picture are zeros.
    """

    reads_all_rows = False  # whether `advance` gets the states of all rows above or of the last only

    def __init__(self, channels: int, driven: int, hidden: int, readable: int, state_size: int):
        """channels: of the input. driven: of what a pixel's input becomes, and the three hidden states above it with it."""
        super().__init__()
        self.hidden, self.readable, self.state_size = hidden, readable, state_size
        self.input = Linear(channels, driven)  # C of the papers
        bound = (3 * hidden) ** -0.5
        self.weight = nn.Parameter(torch.empty(3 * hidden, driven).uniform_(-bound, bound))  # W of the papers

    def advance(self, drive: Tensor, history: Tensor) -> Tensor:
        """New states (N, S) from W h + C x, (N, driven), and the states above, oldest first, (N, T, S)."""
        raise NotImplementedError

    def new_memory(self, grid: Grid, slots: int) -> Tensor:
        return grid.allocate(slots, self.state_size, like=self.weight)

    def forward_full(self, x: Tensor, execution: FullPass) -> Tensor:
        """Inputs (B, H, W, C) to the readable part of the states, (B, H, W, R)."""
        with torch.autocast(x.device.type, enabled=False):
            states = self.scan(x.to(self.weight.dtype))
        execution.store(self, states)
        return states[..., : self.readable]

    def scan(self, x: Tensor) -> Tensor:
        """Inputs (B, H, W, C) to states (B, H, W, S)."""
        batch, _, width, _ = x.shape
        driven = self.input(x)
        history = x.new_zeros(batch * width, 1, self.state_size)
        states = []
        for row in driven.unbind(1):
            above = history[:, -1, : self.hidden].view(batch, width, self.hidden)
            drive = row + neighbors(above) @ self.weight
            state = self.advance(drive.flatten(0, 1), history)
            states.append(state.view(batch, width, -1))
            history = torch.cat([history, state[:, None]], 1) if self.reads_all_rows else state[:, None]
        return torch.stack(states, 1)

    def forward_step(self, x: Tensor, step: CachedStep) -> Tensor:
        """Inputs (N, C) of whole rows to the readable part of their states, (N, R); states go to the cache."""
        memory, driven = step.cache.memory[self], self.input(x)
        states = driven.new_empty(len(x), self.state_size)
        for index in step.dependency_levels(step.pixels // step.grid.width):
            part = step.subset(index)
            above = memory[:, : self.hidden].index_select(0, part.neighbor_positions(ABOVE)).view(len(index), -1)
            states[index] = self.advance(driven[index] + above @ self.weight, self.history(memory, part))
            memory.index_copy_(0, part.positions, states[index])
        return states[:, : self.readable]

    def history(self, memory: Tensor, step: CachedStep) -> Tensor:
        """The cached states above the pixels of a step, (N, T, S). Those above the picture are zeros, of its margin."""
        rows = step.pixels // step.grid.width
        up = torch.arange(int(rows.max()) + 1 if self.reads_all_rows else 1, 0, -1, device=rows.device)
        up = torch.minimum(up, rows[:, None] + 1)
        return memory.index_select(0, (step.positions[:, None] - up * step.grid.stride).flatten()).view(*up.shape, -1)


def neighbors(h: Tensor) -> Tensor:
    """Each column's features and those of the columns beside it: (B, W, C) to (B, W, 3 C), zeros outside."""
    padded = F.pad(h, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], h, padded[:, 2:]], -1)

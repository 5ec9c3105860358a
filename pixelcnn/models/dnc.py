"""Differentiable Neural Computer: a recurrent network with an external memory, read by content and by order of writing.

    [1] A. Graves, G. Wayne, M. Reynolds, et al., "Hybrid computing using a neural network with dynamic external memory",
        Nature 538, 2016, doi:10.1038/nature20101. Equations are those of its section Methods.

        x(t), r(t-1) --> LSTM --> h(t) --> interface: keys, strengths, gates, modes
                                                |
             write: content or allocation       v                 read: content, or the slot written
             of a slot with low usage  --> M(t): N slots -------> after or before the slot read last (links)
                                            of W numbers                        |
                                                                                v
                                                              read vectors r(t), and the output, from h(t) and r(t)

Here, time t is the row, x(t) the features of the rows above it, and every column has its own memory; the weights are
common to all columns. See `row_memory` for the network around the memory.

Deviations: [1] has no model of pictures. The LSTM has one layer and reads also the hidden states of both neighboring
columns, as in Row LSTM. Allocation sorts slots by usage: if two usages differ by a rounding error, a full pass and a step
could order them differently. Slots that were never written are equal in all respects, so there their order does not matter.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pixelcnn.models import row_memory
from pixelcnn.models.row_memory import RECURRENT_ONLY, RowMemoryModel
from pixelcnn.nn.layers import Linear
from pixelcnn.nn.lstm import lstm
from pixelcnn.nn.module import Module
from pixelcnn.nn.row_memory import RowMemory


@dataclass(frozen=True)
class Config(row_memory.Config):
    RANGES = row_memory.Config.RANGES | {"slots": range(1, 257), "slot_size": range(1, 257), "heads": range(1, 65)}

    memory_every: int = 4
    slots: int = 12  # N of [1]
    slot_size: int = 16  # W of [1]
    heads: int = 1  # R of [1], the number of read heads


class Sizes(NamedTuple):
    """Sizes of an external memory."""

    slots: int
    slot_size: int
    heads: int

    @property
    def interface(self) -> list[int]:
        """How many numbers of the interface vector each of its parts has, in the order of `ExternalMemory.parse`."""
        size, heads = self.slot_size, self.heads
        return [heads * size, heads, size, 1, size, size, heads, 1, 1, 3 * heads]

    @property
    def state(self) -> list[int]:
        """How many numbers each field of `MemoryState` has."""
        slots = self.slots
        return [slots * self.slot_size, slots, slots, slots * slots, slots, self.heads * slots]


class MemoryState(NamedTuple):
    """The memory and what the addressing remembers, for N pictures or columns. All zeros at first."""

    memory: Tensor  # (N, slots, slot_size)
    usage: Tensor  # (N, slots), from 0 for a free slot to 1
    precedence: Tensor  # (N, slots), how much a slot was the last one written
    links: Tensor  # (N, slots, slots), [i, j]: how much i was written right after j
    write_weights: Tensor  # (N, slots)
    read_weights: Tensor  # (N, heads, slots)

    def pack(self) -> Tensor:
        """All fields side by side, (N, sum of `Sizes.state`)."""
        return torch.cat([field.flatten(1) for field in self], 1)

    @classmethod
    def unpack(cls, packed: Tensor, sizes: Sizes) -> "MemoryState":
        memory, usage, precedence, links, write, read = packed.split(sizes.state, -1)
        memory, links = (matrix.unflatten(-1, (sizes.slots, -1)) for matrix in (memory, links))
        return cls(memory, usage, precedence, links, write, read.unflatten(-1, (sizes.heads, -1)))


class Interface(NamedTuple):
    """The instructions for one step, [1], "Interface parameters"."""

    read_keys: Tensor  # (N, heads, slot_size)
    read_strengths: Tensor  # (N, heads), from 1 on
    write_key: Tensor  # (N, 1, slot_size)
    write_strength: Tensor  # (N, 1)
    erase: Tensor  # (N, slot_size), 0..1
    write_vector: Tensor  # (N, slot_size)
    free_gates: Tensor  # (N, heads), 0..1
    allocation_gate: Tensor  # (N, 1), 0..1
    write_gate: Tensor  # (N, 1), 0..1
    read_modes: Tensor  # (N, heads, 3), sum 1: backward, content, forward


class ExternalMemory(Module):
    """One step of the memory of [1], without parameters: the controller gives the interface vector."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.sizes = sizes

    def parse(self, interface: Tensor) -> Interface:
        """The interface vector (N, sum of `Sizes.interface`) in its parts."""
        keys, strengths, key, strength, erase, vector, free, allocation, write, modes = interface.split(
            self.sizes.interface, -1
        )
        heads = self.sizes.heads
        return Interface(
            read_keys=keys.unflatten(-1, (heads, -1)),
            read_strengths=1 + F.softplus(strengths),
            write_key=key[:, None],
            write_strength=1 + F.softplus(strength),
            erase=torch.sigmoid(erase),
            write_vector=vector,
            free_gates=torch.sigmoid(free),
            allocation_gate=torch.sigmoid(allocation),
            write_gate=torch.sigmoid(write),
            read_modes=modes.unflatten(-1, (heads, 3)).softmax(-1),
        )

    def forward(self, interface: Tensor, state: MemoryState) -> tuple[Tensor, MemoryState]:
        """Write, then read: the read vectors (N, heads, slot_size) and the new state."""
        given = self.parse(interface)
        usage = update_usage(state, given.free_gates)
        content = content_weights(state.memory, given.write_key, given.write_strength)[:, 0]
        write = given.write_gate * torch.lerp(content, allocation_weights(usage), given.allocation_gate)
        kept = 1 - write[:, :, None] * given.erase[:, None]
        memory = state.memory * kept + write[:, :, None] * given.write_vector[:, None]
        links, precedence = update_links(state, write)
        read = self.read_weights(given, memory, links, state.read_weights)
        return read @ memory, MemoryState(memory, usage, precedence, links, write, read)

    def read_weights(self, given: Interface, memory: Tensor, links: Tensor, before: Tensor) -> Tensor:
        """Where each head reads, (N, heads, slots): the slot before the last one read, by content, or the slot after it."""
        backward, content, forward = given.read_modes[..., None].unbind(-2)
        by_content = content_weights(memory, given.read_keys, given.read_strengths)
        return backward * (before @ links) + content * by_content + forward * (before @ links.mT)


def content_weights(memory: Tensor, keys: Tensor, strengths: Tensor) -> Tensor:
    """Softmax of the cosine similarity of keys (N, K, W) and slots (N, slots, W), sharpened by strengths (N, K)."""
    keys, slots = (part * torch.rsqrt(part.square().sum(-1, keepdim=True) + 1e-6) for part in (keys, memory))
    return (strengths[..., None] * (keys @ slots.mT)).softmax(-1)


def update_usage(state: MemoryState, free_gates: Tensor) -> Tensor:
    """Usage (N, slots): up where the last step wrote, down where a head frees what it read."""
    # Not `prod`, whose gradient waits for the device.
    retention = functools.reduce(torch.mul, (1 - free_gates[..., None] * state.read_weights).unbind(1))
    return (state.usage + state.write_weights - state.usage * state.write_weights) * retention


def allocation_weights(usage: Tensor) -> Tensor:
    """Where to write if a free slot is wanted, (N, slots): the least used slot, and the next one as far as it is used."""
    ordered, order = usage.sort(dim=-1, stable=True)
    return torch.zeros_like(usage).scatter(-1, order, (1 - ordered) * products_before(ordered))


def products_before(x: Tensor) -> Tensor:
    """The product of the numbers before each one in the last dimension, (N, n).

    By doubling: every turn, the products get twice as many factors. The gradient of `cumprod` waits for the device.
    """
    products, factors = F.pad(x, (1, 0), value=1.0)[:, :-1], 1
    while factors < x.shape[-1]:
        products = products * F.pad(products, (factors, 0), value=1.0)[:, :-factors]
        factors *= 2
    return products


def update_links(state: MemoryState, write: Tensor) -> tuple[Tensor, Tensor]:
    """Links (N, slots, slots) and precedence (N, slots) after writing with weights (N, slots)."""
    to, since = write[:, :, None], write[:, None]
    links = (1 - to - since) * state.links + to * state.precedence[:, None]
    links = links * (1 - torch.eye(write.shape[1], dtype=write.dtype, device=write.device))
    precedence = (1 - write.sum(-1, keepdim=True)) * state.precedence + write
    return links, precedence


class DNCMemory(RowMemory):
    """LSTM and memory of every column. A state is h, the read vectors, c and the `MemoryState`; h and reads are read."""

    def __init__(self, config: Config):
        sizes = Sizes(config.slots, config.slot_size, config.heads)
        hidden, reads = config.hidden, config.heads * config.slot_size
        self.parts = [hidden, reads, hidden, sum(sizes.state)]
        super().__init__(config.channels, 4 * hidden, hidden, readable=hidden + reads, state_size=sum(self.parts))
        self.external = ExternalMemory(sizes)
        self.reads = Linear(reads, 4 * hidden, bias=False)
        self.interface = Linear(hidden, sum(sizes.interface))
        self.on = float(config.memory != RECURRENT_ONLY)

    def advance(self, drive: Tensor, history: Tensor) -> Tensor:
        _, reads, c, packed = history[:, -1].split(self.parts, -1)
        h, c = lstm(drive + self.reads(reads), c)
        new, state = self.external(self.interface(h), MemoryState.unpack(packed, self.external.sizes))
        return torch.cat([h, self.on * new.flatten(1), c, state.pack()], -1)


class DNC(RowMemoryModel):
    config: Config
    name = "dnc"

    def new_row_memory(self) -> RowMemory:
        return DNCMemory(self.config)


@torch.no_grad()
def view_memory(model: DNC, picture: Tensor, number: int = -1) -> MemoryState:
    """One memory of the model, by default the last, while it reads levels (H, W): fields (H, W, ...), by row and column.

    The state of row r is that after the write and the read which the pixels of row r use; they know the rows before r only.
    """
    memory, _, (states,) = model.memory_inputs_and_states(picture[None], number)
    assert isinstance(memory, DNCMemory)
    packed = states.split(memory.parts, -1)[-1]
    return MemoryState.unpack(packed, memory.external.sizes)

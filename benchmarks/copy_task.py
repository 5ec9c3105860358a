"""The copy task of 1410.5401, section 4.1: `python -m benchmarks.copy_task train dnc --folder DIR`.

A sequence of random vectors of 8 bits is shown, then a mark, and then the network must repeat the sequence without seeing
it again. It is trained on lengths 1 to 20. The memory is that of `pixelcnn/models/dnc.py`, beside an LSTM. `evaluate
--folder DIR` prints how many bits of a sequence are wrong at lengths 20, 40 and 80, for all weights in DIR, as a table and
as one JSON line. Losses of DNCs sometimes run to infinity; gradients are clipped, and a run that does so anyway stops.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.sequence_tasks import LSTM, build_parser, fit_and_save, read_facts, weights_in
from pixelcnn.models.dnc import ExternalMemory, MemoryState, Sizes
from pixelcnn.nn.lstm import lstm

BITS = 8
MAX_LENGTH = 20  # in training
LENGTHS = (20, 40, 80)  # in tests
MEMORY = Sizes(slots=128, slot_size=20, heads=1)
CLIP = 10.0
TEST_BATCHES, TEST_BATCH = 4, 50


def sequences(length: int, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Inputs (count, 2 * length + 1, 9), the last number being the mark, and the bits to repeat (count, length, 8)."""
    bits = torch.from_numpy(rng.integers(0, 2, (count, length, BITS))).float()
    x = torch.zeros(count, 2 * length + 1, BITS + 1)
    x[:, :length, :BITS] = bits
    x[:, length, BITS] = 1
    return x, bits


class DNC(nn.Module):
    """LSTM and external memory over a sequence (B, T, I), to hidden states and read vectors, (B, T, n + R * W)."""

    def __init__(self, inputs: int, hidden: int, sizes: Sizes = MEMORY):
        super().__init__()
        self.hidden, reads = hidden, sizes.heads * sizes.slot_size
        self.controller = nn.Linear(inputs + reads + hidden, 4 * hidden)
        self.interface = nn.Linear(hidden, sum(sizes.interface))
        self.memory = ExternalMemory(sizes)

    def forward(self, x: Tensor) -> Tensor:
        sizes = self.memory.sizes
        h = c = x.new_zeros(len(x), self.hidden)
        reads = x.new_zeros(len(x), sizes.heads * sizes.slot_size)
        state = MemoryState.unpack(x.new_zeros(len(x), sum(sizes.state)), sizes)
        outputs = []
        for now in x.unbind(1):
            h, c = lstm(self.controller(torch.cat([now, reads, h], 1)), c)
            read, state = self.memory(self.interface(h), state)
            reads = read.flatten(1)
            outputs.append(torch.cat([h, reads], 1))
        return torch.stack(outputs, 1)


class Copier(nn.Module):
    """Inputs (B, 2 L + 1, 9) to logits of the bits to repeat, (B, L, 8)."""

    def __init__(self, cell: str, hidden: int):
        super().__init__()
        self.recurrent = {"dnc": DNC, "lstm": LSTM}[cell](BITS + 1, hidden)
        width = hidden + (MEMORY.heads * MEMORY.slot_size if cell == "dnc" else 0)
        self.out = nn.Linear(width, BITS)

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1] // 2
        return self.out(self.recurrent(x)[:, -length:])


@torch.inference_mode()
def wrong_bits(model: Copier, length: int) -> float:
    """Mean number of wrong bits in a sequence, always the same test sequences."""
    rng = np.random.default_rng([length, 1])
    wrong = 0
    for _ in range(TEST_BATCHES):
        x, bits = sequences(length, TEST_BATCH, rng)
        wrong += ((model(x) > 0) != (bits > 0)).sum().item()
    return wrong / (TEST_BATCHES * TEST_BATCH)


def train(options) -> None:
    torch.manual_seed(options.seed)
    model, rng = Copier(options.cell, options.hidden), np.random.default_rng([options.seed, 0])

    def loss() -> Tensor:
        x, bits = sequences(int(rng.integers(1, MAX_LENGTH + 1)), options.batch, rng)
        return F.binary_cross_entropy_with_logits(model(x), bits)

    def validate() -> float:
        return wrong_bits(model, MAX_LENGTH)

    fit_and_save(model, loss, validate, options, CLIP)


def evaluate(options) -> None:
    """Wrong bits per sequence of all weights in a folder."""
    results = []
    for path in weights_in(options.folder):
        facts = read_facts(path)
        model = Copier(facts["cell"], facts["hidden"])
        model.load_state_dict(load_file(path))
        wrong = {str(length): round(wrong_bits(model, length), 2) for length in LENGTHS}
        steps, minutes = facts["steps"], facts["minutes"]
        table = ", ".join(f"{bits} of {8 * int(length)} bits at length {length}" for length, bits in wrong.items())
        print(f"{facts['cell']:>6} seed {facts['seed']}: {table} wrong after {steps} steps, {minutes} min")
        results.append({"cell": facts["cell"], "hidden": facts["hidden"], "seed": facts["seed"], "wrong_bits": wrong})
        results[-1] |= {"steps": steps, "minutes": minutes}
    print(json.dumps({"task": "copy", "results": results}))


def main(argv: list[str] | None = None) -> None:
    parser = build_parser(__doc__.split("\n\n")[0], ["dnc", "lstm"], hidden=100, steps=10_000, batch=16, lr=1e-3)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    (train if options.command == "train" else evaluate)(options)


if __name__ == "__main__":
    main()

"""Associative retrieval (1610.06258, section 4.1): `python -m benchmarks.associative_retrieval train CELL --folder DIR`.

A sequence such as c9k8j3f1??c holds four pairs of a letter and a digit, two question marks, and one of the letters; the
answer is its digit, here 9. The fast weights cell is that of `pixelcnn/models/fast_weights.py`, beside an LSTM and an IRNN
(1504.00941) of the same number of hidden units. `evaluate --folder DIR` prints the test errors of all weights in DIR as a
table and as one JSON line.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.sequence_tasks import LSTM, build_parser, fit_and_save, read_facts, weights_in
from pixelcnn.models.fast_weights import FastWeights

PAIRS = 4
LETTERS, DIGITS = 26, 10
SYMBOLS = LETTERS + DIGITS + 1  # the last one is the question mark
EMBEDDING, READOUT = 100, 100
SPLITS = {"train": 100_000, "valid": 10_000, "test": 20_000}
DECAY, RATE = 0.95, 0.5  # lambda and eta
CLIP = 5.0
TEST_BATCH = 1000


def sequences(split: str) -> tuple[Tensor, Tensor]:
    """Symbols (N, 11), long, and answers (N,), long, of a split; always the same ones."""
    count = SPLITS[split]
    rng = np.random.default_rng([list(SPLITS).index(split), count])
    letters = rng.permuted(np.tile(np.arange(LETTERS), (count, 1)), axis=1)[:, :PAIRS]
    digits = rng.integers(0, DIGITS, (count, PAIRS))
    asked = rng.integers(0, PAIRS, count)
    rows = np.arange(count)
    pairs = np.stack([letters, LETTERS + digits], 2).reshape(count, 2 * PAIRS)
    marks = np.full((count, 2), SYMBOLS - 1)
    x = np.concatenate([pairs, marks, letters[rows, asked][:, None]], 1)
    return torch.from_numpy(x), torch.from_numpy(digits[rows, asked])


class FastWeightsRNN(nn.Module):
    """[W h(t) + C x(t+1)] into the cell of the paper; (B, T, I) to the last hidden state (B, n)."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        self.input = nn.Linear(inputs, hidden)
        self.recurrent = nn.Linear(hidden, hidden, bias=False)
        nn.init.eye_(self.recurrent.weight).data.mul_(0.05)
        self.cell = FastWeights(hidden, decay=DECAY, rate=RATE)

    def forward(self, x: Tensor) -> Tensor:
        history = x.new_zeros(len(x), 1, self.hidden)
        for drive in self.input(x).unbind(1):
            h = self.cell(drive + self.recurrent(history[:, -1]), history)
            history = torch.cat([history, h[:, None]], 1)
        return history[:, -1]


class IRNN(nn.Module):
    """A ReLU network whose recurrent weights begin as the identity (1504.00941)."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.input = nn.Linear(inputs, hidden)
        self.recurrent = nn.Linear(hidden, hidden, bias=False)
        nn.init.eye_(self.recurrent.weight)

    def forward(self, x: Tensor) -> Tensor:
        driven = self.input(x)
        h = torch.zeros_like(driven[:, 0])
        for drive in driven.unbind(1):
            h = torch.relu(drive + self.recurrent(h))
        return h


class LastLSTM(LSTM):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, -1]


CELLS = {"fast_weights": FastWeightsRNN, "lstm": LastLSTM, "irnn": IRNN}


class Retrieval(nn.Sequential):
    """Symbols (B, 11) to logits of the digits, (B, 10): embedding, recurrent network, a hidden layer."""

    def __init__(self, cell: str, hidden: int):
        recurrent = CELLS[cell](EMBEDDING, hidden)
        head = nn.Linear(hidden, READOUT), nn.ReLU(), nn.Linear(READOUT, DIGITS)
        super().__init__(nn.Embedding(SYMBOLS, EMBEDDING), recurrent, *head)


@torch.inference_mode()
def error_percent(model: Retrieval, split: str) -> float:
    """How many of a hundred answers are wrong."""
    x, answers = sequences(split)
    batches = zip(x.split(TEST_BATCH), answers.split(TEST_BATCH), strict=True)
    right = sum((model(symbols).argmax(1) == expected).sum().item() for symbols, expected in batches)
    return 100 * (1 - right / len(x))


def train(options) -> None:
    torch.manual_seed(options.seed)
    model, (x, answers) = Retrieval(options.cell, options.hidden), sequences("train")

    def loss() -> Tensor:
        index = torch.randint(len(x), (options.batch,))
        return F.cross_entropy(model(x[index]), answers[index])

    def validate() -> float:
        return error_percent(model, "valid")

    fit_and_save(model, loss, validate, options, CLIP)


def evaluate(options) -> None:
    """Test errors of all weights in a folder."""
    results = []
    for path in weights_in(options.folder):
        facts = read_facts(path)
        model = Retrieval(facts["cell"], facts["hidden"])
        model.load_state_dict(load_file(path))
        error = round(error_percent(model, "test"), 2)
        steps, minutes = facts["steps"], facts["minutes"]
        print(f"{facts['cell']:>14} R = {facts['hidden']:<4} {error:6.2f} % wrong after {steps} steps, {minutes} min")
        results.append({"cell": facts["cell"], "hidden": facts["hidden"], "seed": facts["seed"], "error_percent": error})
        results[-1] |= {"steps": steps, "minutes": minutes}
    print(json.dumps({"task": "associative_retrieval", "results": results}))


def main(argv: list[str] | None = None) -> None:
    parser = build_parser(__doc__.split("\n\n")[0], list(CELLS), hidden=20, steps=30_000, batch=128, lr=1e-3)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    (train if options.command == "train" else evaluate)(options)


if __name__ == "__main__":
    main()

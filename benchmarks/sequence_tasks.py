"""What the sequence tasks of the papers have in common: a training loop, files of weights, and the command line."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pixelcnn.atomic import write_atomically
from pixelcnn.nn.lstm import lstm

Curve = list[list[float]]  # [step, value on validation sequences]


class LSTM(nn.Module):
    """The LSTM of the project, as a network over sequences (B, T, I) to hidden states (B, T, n)."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = hidden
        self.input = nn.Linear(inputs, 4 * hidden)
        self.recurrent = nn.Linear(hidden, 4 * hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.hidden)
        states = []
        for drive in self.input(x).unbind(1):
            h, c = lstm(drive + self.recurrent(h), c)
            states.append(h)
        return torch.stack(states, 1)


def fit(
    model: nn.Module, loss: Callable[[], Tensor], validate: Callable[[], float], options: argparse.Namespace, clip: float
) -> Curve:
    """Adam on a loss that draws its own batches; `validate` runs every so many steps and at the end.

    The learning rate decays to zero over the second half. clip: the largest norm of a gradient. Raises SystemExit if
    the loss is not finite.
    """
    optimizer = torch.optim.Adam(model.parameters(), options.lr)
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 - 2 * step / options.steps))
    curve: Curve = []
    for step in range(1, options.steps + 1):
        value = loss()
        if not value.isfinite():
            raise SystemExit(f"The loss of step {step} is not finite. Start again with another --seed or a lower --lr.")
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        decay.step()
        if step % options.every == 0 or step == options.steps:
            curve.append([step, round(validate(), 4)])
            print(json.dumps({"step": step, "loss": round(value.item(), 5), "valid": curve[-1][1]}), flush=True)
    return curve


def fit_and_save(
    model: nn.Module, loss: Callable[[], Tensor], validate: Callable[[], float], options: argparse.Namespace, clip: float
) -> None:
    """Train a model and write it to the folder of the options, with what `evaluate` prints about it."""
    started = time.monotonic()
    curve = fit(model, loss, validate, options, clip)
    facts = {name: getattr(options, name) for name in ("cell", "hidden", "seed", "batch", "lr", "steps")}
    facts |= {"minutes": round((time.monotonic() - started) / 60, 1), "curve": curve}
    save(model, options.folder / f"{options.cell}-{options.hidden}-{options.seed}.safetensors", facts)


def save(model: nn.Module, path: Path, facts: dict) -> None:
    """Write weights with facts as metadata, atomically."""
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: save_file(tensors, temporary, {"task": json.dumps(facts)}))


def read_facts(path: Path) -> dict:
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["task"])


def weights_in(folder: Path) -> list[Path]:
    """The weights files of a folder. Raises SystemExit if there are none."""
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise SystemExit(f"There are no weights in {folder}. Train some with the command `train`.")
    return found


def build_parser(
    description: str, cells: list[str], *, hidden: int, steps: int, batch: int, lr: float
) -> argparse.ArgumentParser:
    """A command line with the commands `train CELL` and `evaluate`."""
    parser = argparse.ArgumentParser(description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    formatter = argparse.ArgumentDefaultsHelpFormatter
    train = commands.add_parser("train", help="train one cell and write its weights", formatter_class=formatter)
    train.add_argument("cell", choices=cells)
    train.add_argument("--hidden", type=int, default=hidden, help="number of hidden units")
    train.add_argument("--steps", type=int, default=steps)
    train.add_argument("--every", type=int, default=500, help="steps between validations")
    train.add_argument("--batch", type=int, default=batch, help="sequences in a batch")
    train.add_argument("--lr", type=float, default=lr)
    train.add_argument("--seed", type=int, default=0)
    evaluate = commands.add_parser("evaluate", help="evaluate all weights of a folder", formatter_class=formatter)
    for command in (train, evaluate):
        command.add_argument("--folder", type=Path, required=True, help="folder of the weights")
        command.add_argument("--threads", type=int, default=1)
    return parser

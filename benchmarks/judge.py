"""A small reader of digits to judge completions with: `python -m benchmarks.judge --data DIR [--out FILE]` trains it.

A convolutional network on black and white pictures of 28 x 28, for the benchmarks alone: nothing that people see depends on
it. It learns from MNIST's 60 000 training digits and the pens of writers 1 to 24, each turned, slanted, stretched and moved
anew every time and inked from 128 on. MNIST's test digits and the pens of the six other writers are read once, at the end,
for a table for people and one JSON line. With --rows 14 it learns tops alone: how right completions of them can be.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pixelcnn.data import load_digits
from pixelcnn.errors import WeightsError

WEIGHTS = Path(__file__).with_name("judge.safetensors")


def conv(fan: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(fan, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]


class Judge(nn.Sequential):
    """Pictures (B, 1, 28, 28), 0 paper and 1 ink, to logits of the ten digits, (B, 10)."""

    def __init__(self):
        fine = [*conv(1, 32), *conv(32, 32), nn.MaxPool2d(2)]
        middle = [*conv(32, 64), *conv(64, 64), nn.MaxPool2d(2)]
        coarse = [*conv(64, 128), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 7 * 7, 10)]
        super().__init__(*fine, *middle, *coarse)


def load_judge(path: Path = WEIGHTS) -> Judge:
    """The trained judge, in eval mode. Raises WeightsError, one sentence, where it cannot be read."""
    judge = Judge()
    try:
        judge.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        raise WeightsError(f"{path} is not a whole judge; check it out again, or train it by benchmarks.judge.") from None
    return judge.eval()


def read(judge: Judge, black: np.ndarray) -> np.ndarray:
    """The digit in each picture: black (N, 28, 28), bool or 0 and 1, to (N,), 0..9."""
    return probabilities(judge, black).argmax(1)


@torch.inference_mode()
def probabilities(judge: Judge, black: np.ndarray, batch: int = 200) -> np.ndarray:
    """Of the ten digits, (N, 10), in each picture of black (N, 28, 28)."""
    parts = torch.from_numpy(black).float()[:, None].split(batch)
    return torch.cat([judge(part).softmax(1) for part in parts]).numpy()


def varied(ink: Tensor, share: float = 1.0) -> Tensor:
    """Ink (B, 1, 28, 28), 0..1, turned by up to 11 degrees, slanted, stretched, moved by up to 3 pixels; black is 1.

    share: of all this, as much.
    """

    def within(reach: float) -> Tensor:
        return (2 * torch.rand(len(ink)) - 1) * reach * share

    angle, slant, wide, high = within(0.2), within(0.2), 1 + within(0.15), 1 + within(0.15)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    shear = torch.stack([wide, slant, torch.zeros_like(slant), high], 1).view(-1, 2, 2)
    move = torch.stack([within(3 / 14), within(3 / 14)], 1)[..., None]  # in half pictures, as affine_grid has it
    grid = F.affine_grid(torch.cat([turn @ shear, move], 2), list(ink.shape), align_corners=False)
    return (F.grid_sample(ink, grid, align_corners=False) >= 0.5).float()


def training_digits(folder: Path) -> tuple[Tensor, Tensor]:
    """Ink (N, 1, 28, 28) uint8 and labels (N,) of everything to learn from."""
    names = [(dataset, split) for dataset in ("mnist-threshold", "pens") for split in ("train", "valid")]
    parts = [load_digits(dataset, folder, split) for dataset, split in names]
    ink, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("ink", "labels"))
    return torch.from_numpy(ink)[:, None], torch.from_numpy(labels).long()


def train(ink: Tensor, labels: Tensor, *, epochs: int, rows: int = 28, batch: int = 128, rate: float = 3e-3) -> Judge:
    """A judge of the first rows, from ink (N, 1, 28, 28) and labels (N,); one-cycle learning rate, bf16."""
    judge = Judge().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.02)
    steps = epochs * (len(ink) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, max(steps, 2))
    for epoch in range(epochs):
        losses = []
        for index in torch.randperm(len(ink)).split(batch)[: len(ink) // batch]:
            # A digit moved far is the same digit, but its top is another top.
            black = varied(ink[index] / 255, 1.0 if rows == 28 else 0.35).to(memory_format=torch.channels_last)
            black[:, :, rows:] = 0
            with torch.autocast("cpu", torch.bfloat16):
                logits = judge(black)
            loss = F.cross_entropy(logits.float(), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: cross-entropy {np.mean(losses):.4f}", flush=True)
    return judge.eval()


def save(judge: Judge, path: Path) -> None:
    """Half precision is enough, and half as large."""
    tensors = judge.state_dict().items()
    save_file({name: (part.half() if part.is_floating_point() else part).contiguous() for name, part in tensors}, path)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's files and the pen trajectories")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go, a .safetensors file")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--rows", type=int, default=28, help="read so many rows from the top alone")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 lets torch choose")
    options = parser.parse_args(argv)
    if not 1 <= options.rows <= 28 or options.epochs < 1:
        parser.error(f"--rows is {options.rows} and --epochs {options.epochs}; give 1 to 28 rows and at least 1 epoch")
    if options.rows < 28 and options.out == WEIGHTS:
        parser.error(f"--rows {options.rows} would replace the judge of whole digits; give another --out")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    started = time.time()
    try:
        unseen = {name: load_digits(name, options.data, "test") for name in ("mnist-threshold", "pens")}
        judge = train(*training_digits(options.data), epochs=options.epochs, rows=options.rows)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    save(judge, options.out)
    judge, result = load_judge(options.out), {"epochs": options.epochs, "minutes": round((time.time() - started) / 60, 1)}
    for name, digits in unseen.items():
        black = digits.ink >= 128
        black[:, options.rows :] = False
        given = probabilities(judge, black)
        right, sure = (given.argmax(1) == digits.labels).mean(), given[np.arange(len(black)), digits.labels].mean()
        print(f"{name:>16}  {100 * right:6.2f} % of {len(black)} right; probability of the right digit {100 * sure:.2f} %")
        result[name] = {"right": round(float(right), 4), "probability": round(float(sure), 4)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""A small reader of digits to judge completions with: `python -m benchmarks.judge --data DIR [--out FILE]` trains it.

A convolutional network on black and white pictures of 28 x 28, for the benchmarks alone: nothing that people see depends on
it. It learns from MNIST's 60 000 training digits and the pens of writers 1 to 24, each turned, slanted, stretched and moved
anew every time and inked from 128 on. MNIST's test digits and the pens of the six other writers are read once, at the end,
for a table for people and one JSON line.
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


@torch.inference_mode()
def read(judge: Judge, black: np.ndarray, batch: int = 200) -> np.ndarray:
    """The digit in each picture: black (N, 28, 28), bool or 0 and 1, to (N,), 0..9."""
    parts = torch.from_numpy(black).float()[:, None].split(batch)
    return torch.cat([judge(part).argmax(1) for part in parts]).numpy()


def varied(ink: Tensor) -> Tensor:
    """Ink (B, 1, 28, 28), 0..1, turned by up to 11 degrees, slanted, stretched, moved by up to 3 pixels; black is 1."""

    def within(reach: float) -> Tensor:
        return (2 * torch.rand(len(ink)) - 1) * reach

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


def train(ink: Tensor, labels: Tensor, *, epochs: int, batch: int = 128, rate: float = 3e-3) -> Judge:
    """A judge from ink (N, 1, 28, 28) and labels (N,); one-cycle learning rate, bf16, whatever order the seed gives."""
    judge = Judge().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.02)
    steps = epochs * (len(ink) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, max(steps, 2))
    for epoch in range(epochs):
        losses = []
        for index in torch.randperm(len(ink)).split(batch)[: len(ink) // batch]:
            black = varied(ink[index] / 255).to(memory_format=torch.channels_last)
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
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 lets torch choose")
    options = parser.parse_args(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    started = time.time()
    try:
        unseen = {name: load_digits(name, options.data, "test") for name in ("mnist-threshold", "pens")}
        judge = train(*training_digits(options.data), epochs=options.epochs)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    save(judge, options.out)
    judge, result = load_judge(options.out), {"epochs": options.epochs, "minutes": round((time.time() - started) / 60, 1)}
    for name, digits in unseen.items():
        right = (read(judge, digits.ink >= 128) == digits.labels).mean()
        print(f"{name:>16}  {100 * right:6.2f} % of {len(digits)} right")
        result[name] = round(float(right), 4)
    print(json.dumps(result))


if __name__ == "__main__":
    main()

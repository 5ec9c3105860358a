"""Train the digit classifier that judges completions: `python -m benchmarks.train_digit_classifier --data DIR`.

The training set is MNIST's 60 000 training digits and the pen digits of writers 1 to 24, as binary pictures, each with a
new random rotation, shear, scale and shift in every epoch. MNIST's test digits and the pen digits of the six other
writers are used once, at the end, for a table and one JSON line. `--rows 14` trains on the first 14 rows only, which
shows how well the digit can be known from them.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from pixelcnn.analysis.digit_classifier import SIZE, WEIGHTS, DigitClassifier, class_probabilities, load_digit_classifier
from pixelcnn.data import concatenate, load_digits, load_splits


def augmented(ink: Tensor, scale: float = 1.0) -> Tensor:
    """Binary pictures, 1 is ink, from ink (B, 1, 28, 28) in 0..1: each with its own random affine transformation.

    Rotation up to 0.2 rad, shear up to 0.2, size within 15 %, shift up to 3 pixels; `scale` multiplies these limits.
    """

    def uniform(limit: float) -> Tensor:
        return (2 * torch.rand(len(ink)) - 1) * limit * scale

    angle, slant, width, height = uniform(0.2), uniform(0.2), 1 + uniform(0.15), 1 + uniform(0.15)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    shear = torch.stack([width, slant, torch.zeros_like(slant), height], 1).view(-1, 2, 2)
    shift = torch.stack([uniform(3 / 14), uniform(3 / 14)], 1)[..., None]  # affine_grid counts in half pictures
    grid = F.affine_grid(torch.cat([rotation @ shear, shift], 2), list(ink.shape), align_corners=False)
    return (F.grid_sample(ink, grid, align_corners=False) >= 0.5).float()


def training_digits(folder: Path) -> tuple[Tensor, Tensor]:
    """Ink (N, 1, 28, 28) uint8 and labels (N,) of the training set."""
    parts = [part for dataset in ("mnist-threshold", "pens") for part in load_splits(dataset, folder, ("train", "valid"))]
    digits = concatenate(parts, "mnist-and-pens")
    return torch.from_numpy(digits.ink)[:, None], torch.from_numpy(digits.labels).long()


def train(
    ink: Tensor, labels: Tensor, *, epochs: int, rows: int = SIZE, batch: int = 128, lr: float = 3e-3
) -> DigitClassifier:
    """A classifier of the first `rows` rows, from ink (N, 1, 28, 28) and labels (N,). One-cycle schedule, bf16 autocast."""
    classifier = DigitClassifier().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(classifier.parameters(), weight_decay=0.02)
    batches = len(ink) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, max(epochs * batches, 2))
    # A large shift keeps the digit but changes what the first rows show of it.
    scale = 1.0 if rows == SIZE else 0.35
    for epoch in range(epochs):
        losses = []
        for index in torch.randperm(len(ink)).split(batch)[:batches]:
            pictures = augmented(ink[index] / 255, scale).to(memory_format=torch.channels_last)
            pictures[:, :, rows:] = 0
            with torch.autocast("cpu", torch.bfloat16):
                logits = classifier(pictures)
            loss = F.cross_entropy(logits.float(), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: cross-entropy {np.mean(losses):.4f}", flush=True)
    return classifier.eval()


def save(classifier: DigitClassifier, path: Path) -> None:
    """Write the weights in half precision, which halves the file and changes no result in the table."""
    tensors = classifier.state_dict().items()
    save_file({name: (part.half() if part.is_floating_point() else part).contiguous() for name, part in tensors}, path)


def evaluate(classifier: DigitClassifier, pictures: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, and the mean probability of the correct digit, on binary pictures (N, 28, 28) and labels (N,)."""
    probabilities = class_probabilities(classifier, pictures)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    confidence = float(probabilities[np.arange(len(labels)), labels].mean())
    return {"right": round(accuracy, 4), "probability": round(confidence, 4)}


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's files and the pen trajectories")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights, a .safetensors file")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--rows", type=int, default=SIZE, help="train on the first rows only")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 uses torch's default")
    options = parser.parse_args(argv)
    if not 1 <= options.rows <= SIZE or options.epochs < 1:
        parser.error(f"--rows is {options.rows} and --epochs is {options.epochs}; give 1 to 28 rows and at least 1 epoch")
    if options.rows < SIZE and options.out == WEIGHTS:
        parser.error(f"--rows {options.rows} would replace the classifier of whole digits; give another --out")
    return options


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    started = time.time()
    try:
        tests = {name: load_digits(name, options.data, "test") for name in ("mnist-threshold", "pens")}
        classifier = train(*training_digits(options.data), epochs=options.epochs, rows=options.rows)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    save(classifier, options.out)
    classifier = load_digit_classifier(options.out)
    result: dict = {"epochs": options.epochs, "minutes": round((time.time() - started) / 60, 1)}
    for name, digits in tests.items():
        pictures = digits.ink >= 128
        pictures[:, options.rows :] = False
        scores = result[name] = evaluate(classifier, pictures, digits.labels)
        accuracy, confidence = 100 * scores["right"], 100 * scores["probability"]
        print(
            f"{name:>16}  {accuracy:6.2f} % of {len(pictures)} correct; probability of the correct digit {confidence:.2f} %"
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""Chooses the page's examples, web/js/examples-data.js, among MNIST's test digits: `python -m docs.examples --data DIR`.

Of each pair of digits some halves that `freeform` can tell least: the less likely of the two is likeliest, and no other
digit is likelier, by Bayes (pixelcnn/posterior.py). Of these the one whose completions by the page's default model most
evenly become both. Of other digits the first whose top alone it reads rightly. DIR holds MNIST's files. Takes some
minutes on two cores.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from pixelcnn import complete
from pixelcnn.data import Digits, load_digits
from pixelcnn.hub import load
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.posterior import posterior
from pixelcnn.request import ANY, DRAWN

FILE = Path(__file__).parent.parent / "web" / "js" / "examples-data.js"
# The rows that are kept of each pair, and how many test digits of each kind are looked through.
PAIRS = {(3, 8): (14, 130), (4, 9): (14, 250), (1, 7): (13, 130), (5, 6): (14, 130)}
TOPS, ROWS = (0, 2, 6, 7, 8), 14
SURE = 0.9
CANDIDATES, COMPLETIONS = 8, 16
HEAD = """// Halves of real test digits of MNIST (CC BY-SA 3.0), black from 128 on: four pixels a hex digit, the rows kept.
// Made by `python -m docs.examples`; not to be edited.
"""


def halves(digits: Digits, wanted: tuple[int, ...], most: int) -> torch.Tensor:
    """The first `most` pictures of each wanted digit, levels (N, H, W)."""
    index = np.concatenate([np.flatnonzero(digits.labels == digit)[:most] for digit in wanted])
    return torch.from_numpy(digits.batch(np.sort(index), np.random.default_rng(0)))


def told(model: AutoregressiveModel, x: torch.Tensor, rows: int) -> torch.Tensor:
    """p(digit | the upper rows), (N, 10), a few pictures at a time."""
    known = (torch.arange(x.shape[1]) < rows)[:, None].expand(x.shape[1:])
    return torch.cat([posterior(model, some, known) for some in x.split(4)])


def most_split(judge: AutoregressiveModel, x: torch.Tensor, pair: tuple[int, int], rows: int) -> torch.Tensor:
    """The halves that are hardest to tell, (N, H, W), the hardest first, and those half as doubtful: at most CANDIDATES."""
    told_digits = told(judge, x, rows)
    less = told_digits[:, list(pair)].amin(1)
    less = torch.where(less >= told_digits.topk(2).values[:, 1], less, 0)  # no third digit is likelier
    likelihood, hardest = less.sort(descending=True)
    return x[hardest[likelihood >= likelihood[0] / 2][:CANDIDATES]]


def become(
    model: AutoregressiveModel, judge: AutoregressiveModel, half: torch.Tensor, pair: tuple[int, int], rows: int
) -> list[int]:
    """How many of some completions become the one and how many the other."""
    known = np.arange(half.shape[0])[:, None] < np.full(half.shape, rows)
    digit = DRAWN if model.classes else ANY  # as the page does
    images = complete(model, 255 * half.numpy(), known.astype(int), samples=COMPLETIONS, digit=digit).images
    read = told(judge, torch.from_numpy(images), len(half)).argmax(1).tolist()
    return [read.count(digit) for digit in pair]


def first_sure(judge: AutoregressiveModel, x: torch.Tensor, digit: int, rows: int) -> torch.Tensor | None:
    """The first picture whose digit is read from its top alone."""
    return next((picture for picture in x if told(judge, picture[None], rows)[0, digit] > SURE), None)


def example(digits: tuple[int, ...], picture: torch.Tensor, rows: int) -> dict:
    bits = [f"{int(''.join(map(str, row)), 2):07x}" for row in picture[:rows].tolist()]
    return {"digits": digits, "rows": rows, "bits": bits}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's files")
    parser.add_argument("--most", type=int, default=250, help="at most so many test digits of each kind")
    parser.add_argument("--out", type=Path, default=FILE, help="where the examples go")
    options = parser.parse_args(argv)
    model, judge, chosen = load(), load("freeform"), []
    digits = load_digits("mnist-threshold", options.data, "test")
    for pair, (rows, most) in PAIRS.items():
        candidates = most_split(judge, halves(digits, pair, min(most, options.most)), pair, rows)
        counts = [become(model, judge, half, pair, rows) for half in candidates]
        best = max(range(len(counts)), key=lambda place: min(counts[place]))  # the first of equals
        print(f"{pair[0]} or {pair[1]}: of {COMPLETIONS} completions {counts[best][0]} and {counts[best][1]}")
        chosen.append(example(pair, candidates[best], rows))
    for digit in TOPS:
        picture = first_sure(judge, halves(digits, (digit,), options.most), digit, ROWS)
        if picture is not None:
            chosen.append(example((digit,), picture, ROWS))
    lines = ",\n".join(f"  {json.dumps(one)}" for one in chosen)
    options.out.write_text(f"{HEAD}export const EXAMPLES = [\n{lines},\n];\n", "utf-8")
    print(f"wrote {options.out.name}, {len(chosen)} examples")


if __name__ == "__main__":
    main()

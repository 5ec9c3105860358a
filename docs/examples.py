"""Chooses the page's examples, web/js/examples-data.js, among MNIST's test digits: `python -m docs.examples --data DIR`.

Of each pair of digits the half that `freeform` can tell least: where the less likely of the two is likeliest, by Bayes
(pixelcnn/posterior.py). Of other digits the first whose top alone it reads rightly. DIR holds MNIST's files.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from pixelcnn.data import Digits, load_digits
from pixelcnn.hub import load
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.posterior import posterior

FILE = Path(__file__).parent.parent / "web" / "js" / "examples-data.js"
PAIRS = {(3, 8): 14, (4, 9): 14, (1, 7): 14, (5, 6): 14}  # and the rows that are kept
TOPS, ROWS = (0, 2, 4, 6, 7, 8), 14
SURE = 0.9
HEAD = """// Halves of real test digits of MNIST (CC BY-SA 3.0), black from 128 on: {rows} rows, four pixels a hex digit.
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


def most_split(model: AutoregressiveModel, x: torch.Tensor, pair: tuple[int, int], rows: int) -> tuple[torch.Tensor, float]:
    """The half that is hardest to tell, and how likely the less likely of the pair is, at most 0.5."""
    likelihood = told(model, x, rows)[:, list(pair)].amin(1)
    return x[likelihood.argmax()], likelihood.max().item()


def first_sure(model: AutoregressiveModel, x: torch.Tensor, digit: int, rows: int) -> torch.Tensor | None:
    """The first picture whose digit is read from its top alone."""
    return next((picture for picture in x if told(model, picture[None], rows)[0, digit] > SURE), None)


def example(digits: tuple[int, ...], picture: torch.Tensor, rows: int) -> dict:
    bits = [f"{int(''.join(map(str, row)), 2):07x}" for row in picture[:rows].tolist()]
    return {"digits": digits, "rows": rows, "bits": bits}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's files")
    parser.add_argument("--most", type=int, default=120, help="test digits of each kind to choose from")
    parser.add_argument("--out", type=Path, default=FILE, help="where the examples go")
    options = parser.parse_args(argv)
    model, digits, chosen = load("freeform"), load_digits("mnist-threshold", options.data, "test"), []
    for pair, rows in PAIRS.items():
        picture, likelihood = most_split(model, halves(digits, pair, options.most), pair, rows)
        print(f"{pair[0]} or {pair[1]}: the less likely one has {likelihood:.2f}")
        chosen.append(example(pair, picture, rows))
    for digit in TOPS:
        picture = first_sure(model, halves(digits, (digit,), options.most), digit, ROWS)
        if picture is not None:
            chosen.append(example((digit,), picture, ROWS))
    lines = ",\n".join(f"  {json.dumps(one)}" for one in chosen)
    options.out.write_text(f"{HEAD.format(rows=ROWS)}export const EXAMPLES = [\n{lines},\n];\n", "utf-8")
    print(f"wrote {options.out.name}, {len(chosen)} examples")


if __name__ == "__main__":
    main()

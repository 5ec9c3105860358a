"""Choose the examples of the page among MNIST's test digits: `python -m scripts.choose_examples --data DIR`.

For each pair of digits, such as 3 and 8: a digit whose first rows could become either. Candidates are those whose class
posterior given the first rows is most even between the two, with no third digit more probable; of these, the one whose
completions by the page's default model are most evenly split. For each single digit: the first one whose posterior given
its first rows is above SURE. Writes web/static/share/examples-data.js. Takes some minutes on two cores.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pixelcnn import complete, load
from pixelcnn.data import Digits, load_digits
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.class_posterior import class_posterior
from pixelcnn.sampling.request import ClassChoice

FILE = Path(__file__).parent.parent / "web" / "static" / "share" / "examples-data.js"
# Known rows of each pair, and the number of test digits of each class to search.
PAIRS = {(3, 8): (14, 130), (4, 9): (14, 250), (1, 7): (13, 130), (5, 6): (14, 130)}
TOPS, ROWS = (0, 2, 6, 7, 8), 14  # single digits, and their known rows
SURE = 0.9
CANDIDATES, COMPLETIONS = 8, 16
POSTERIOR_BATCH = 4
HEAD = """// Halves of real test digits of MNIST (CC BY-SA 3.0), black from 128 on: four pixels a hex digit, the rows kept.
// Made by `python -m scripts.choose_examples`. Do not edit.
"""


def first_digits(digits: Digits, wanted: tuple[int, ...], count: int) -> Tensor:
    """The first `count` pictures of each wanted digit, levels (N, H, W)."""
    index = np.concatenate([np.flatnonzero(digits.labels == digit)[:count] for digit in wanted])
    return torch.from_numpy(digits.batch(np.sort(index), np.random.default_rng(0)))


def posterior(model: AutoregressiveModel, x: Tensor, rows: int) -> Tensor:
    """p(digit | the first rows) of levels (N, H, W): (N, 10)."""
    known = (torch.arange(x.shape[1]) < rows)[:, None].expand(x.shape[1:])
    return torch.cat([class_posterior(model, part, known) for part in x.split(POSTERIOR_BATCH)])


def most_ambiguous(model: AutoregressiveModel, x: Tensor, pair: tuple[int, int], rows: int) -> Tensor:
    """At most CANDIDATES of the pictures (N, H, W), the most ambiguous between the pair first.

    Ambiguity is the smaller of the pair's two probabilities, or 0 if a third digit is more probable than it. Pictures with
    less than half of the largest ambiguity are left out.
    """
    probabilities = posterior(model, x, rows)
    smaller = probabilities[:, list(pair)].amin(1)
    smaller = torch.where(smaller >= probabilities.topk(2).values[:, 1], smaller, 0)
    ambiguity, order = smaller.sort(descending=True)
    return x[order[ambiguity >= ambiguity[0] / 2][:CANDIDATES]]


def count_completions(
    model: AutoregressiveModel, classifier: AutoregressiveModel, picture: Tensor, pair: tuple[int, int], rows: int
) -> list[int]:
    """How many of COMPLETIONS completions by `model` are either digit of the pair, by the posterior of `classifier`."""
    known = np.arange(picture.shape[0])[:, None] < np.full(picture.shape, rows)
    digit = ClassChoice.SAMPLED if model.classes else ClassChoice.NONE  # as the page does
    images = complete(model, 255 * picture.numpy(), known.astype(int), samples=COMPLETIONS, digit=digit).images
    classes = posterior(classifier, torch.from_numpy(images), len(picture)).argmax(1).tolist()
    return [classes.count(wanted) for wanted in pair]


def first_certain(model: AutoregressiveModel, x: Tensor, digit: int, rows: int) -> Tensor | None:
    """The first picture whose first rows give its digit a probability above SURE."""
    return next((picture for picture in x if posterior(model, picture[None], rows)[0, digit] > SURE), None)


def to_example(digits: tuple[int, ...], picture: Tensor, rows: int) -> dict[str, Any]:
    """An example as examples-data.js holds it: seven hex digits for the 28 pixels of each known row."""
    bits = [f"{int(''.join(map(str, row)), 2):07x}" for row in picture[:rows].tolist()]
    return {"digits": digits, "rows": rows, "bits": bits}


def choose(digits: Digits, count: int) -> list[dict[str, Any]]:
    """All examples, from at most `count` test digits of each class."""
    model, classifier, chosen = load(), load("freeform"), []
    for pair, (rows, limit) in PAIRS.items():
        candidates = most_ambiguous(classifier, first_digits(digits, pair, min(limit, count)), pair, rows)
        counts = [count_completions(model, classifier, picture, pair, rows) for picture in candidates]
        best = max(range(len(counts)), key=lambda index: min(counts[index]))
        print(f"{pair[0]} or {pair[1]}: of {COMPLETIONS} completions {counts[best][0]} and {counts[best][1]}")
        chosen.append(to_example(pair, candidates[best], rows))
    for digit in TOPS:
        picture = first_certain(classifier, first_digits(digits, (digit,), count), digit, ROWS)
        if picture is not None:
            chosen.append(to_example((digit,), picture, ROWS))
    return chosen


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's files")
    parser.add_argument("--most", type=int, default=250, help="test digits of each class to search, at most")
    parser.add_argument("--out", type=Path, default=FILE, help="where to write the examples")
    options = parser.parse_args(argv)
    examples = choose(load_digits("mnist-threshold", options.data, "test"), options.most)
    lines = ",\n".join(f"  {json.dumps(example)}" for example in examples)
    options.out.write_text(f"{HEAD}export const EXAMPLES = [\n{lines},\n];\n", "utf-8")
    print(f"wrote {options.out.name}, {len(examples)} examples")


if __name__ == "__main__":
    main()

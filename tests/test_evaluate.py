"""Evaluation: mean nats, random subsets, and the command's output and errors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, tiny_model

from pixelcnn import InputError, evaluate
from pixelcnn.data import load_digits
from pixelcnn.evaluate import mean_nats, random_subset
from pixelcnn.hub.files import save_weights
from pixelcnn.models import build


def run_command(arguments: list[str], capsys) -> dict:
    """The last line that the command prints, from JSON."""
    evaluate.main(arguments)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.fixture
def arguments(data, tmp_path) -> list[str]:
    """Options of the command for a tiny `freeform` and 40 test pictures."""
    path = tmp_path / "a.safetensors"
    save_weights(tiny_model("freeform", 28, 28).float(), path, dataset="binarized-mnist")
    return ["--weights", str(path), "--dataset", "binarized-mnist", "--data-dir", str(data)]


def test_mean_nats_are_minus_the_sum_of_ln_p(data):
    model = tiny_model("pixelcnn", 28, 28)
    digits = load_digits("mnist-threshold", data, "test")
    x = torch.from_numpy((digits.ink >= 128).astype(int))
    with torch.inference_mode():
        logits = model(x)[..., 0]
    expected = -torch.nn.functional.logsigmoid(torch.where(x == 1, logits, -logits)).flatten(1)
    assert mean_nats(model, digits, batch=7) == pytest.approx(expected.sum(1).mean().item(), abs=1e-9)
    bottom = mean_nats(model, digits, region="bottom")
    assert bottom == pytest.approx(expected[:, 392:].sum(1).mean().item(), abs=1e-9)
    index = np.array([3, 11, 20])
    assert mean_nats(model, digits, index) == pytest.approx(expected[index].sum(1).mean().item(), abs=1e-9)


@pytest.mark.parametrize("region", ["top", "left", "right"])
def test_raster_models_refuse_regions_before_known_pixels(data, region):
    digits = load_digits("mnist-threshold", data, "test")
    with pytest.raises(InputError) as caught:
        mean_nats(tiny_model("pixelcnn", 28, 28), digits, region=region)
    assert caught.value.code == "known_after_unknown"


def test_a_random_subset_is_sorted_unique_and_reproducible():
    subset = random_subset(40, 12)
    assert subset.tolist() == np.unique(subset).tolist() == random_subset(40, 12).tolist()
    assert len(subset) == 12 and subset.min() >= 0 and subset.max() < 40 and subset.tolist() != list(range(12))
    assert random_subset(40, 40).tolist() == random_subset(40, None).tolist() == list(range(40))
    for limit in (0, -1, 41):
        with pytest.raises(ValueError, match=f"--limit is {limit} and the split has 40 pictures"):
            random_subset(40, limit)


def test_the_command_prints_one_json_line_last(arguments, capsys):
    line = run_command([*arguments, "--region", "bottom"], capsys)
    assert list(line) == ["model", "weights", "dataset", "split", "region", "images", "nats", "bits_per_dim"]
    assert (line["model"], line["split"], line["region"], line["images"]) == ("freeform", "test", "bottom", 40)
    assert line["bits_per_dim"] == pytest.approx(line["nats"] / 392 / math.log(2), abs=1e-4)


def test_the_line_says_that_a_digit_was_sampled_first(arguments, capsys):
    line = run_command([*arguments, "--digit-first"], capsys)
    assert line["digit_first"] is True and line["images"] == 40 and line["nats"] > 0


def test_a_limit_scores_a_random_subset_and_the_line_says_so(arguments, data, tmp_path, capsys):
    line = run_command([*arguments, "--limit", "9"], capsys)
    assert (line["seed"], line["limit"], line["images"]) == (0, 9, 9)
    digits = load_digits("binarized-mnist", data, "test")
    model = tiny_model("freeform", 28, 28).float()
    index = np.sort(np.random.default_rng(0).choice(40, 9, replace=False))
    assert line["nats"] == pytest.approx(mean_nats(model, digits, index), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--weights": "nothing"}, "'nothing'"),
        ({"--data-dir": "/nowhere"}, "Neither /nowhere"),
        ({"--dataset": "mnist-gray"}, "pixelcnn has 2 levels and mnist-gray has 256"),
        ({"--region": "left"}, "comes after the unknown pixel"),
        ({"--digit-first": "--region=all"}, "trained without digit labels"),
        (
            {"--weights": "small.safetensors", "--dataset": "binarized-mnist"},
            "pixelcnn has size 20 x 20 and the pictures have 28 x 28",
        ),
        ({"--weights": "few.safetensors"}, "freeform has 5 classes and the data set has the label 9"),
        ({"--limit": "0"}, "--limit is 0 and the split has 40 pictures"),
        ({"--limit": "41"}, "--limit is 41 and the split has 40 pictures"),
    ],
)
def test_the_command_ends_with_a_message_if_it_cannot_score(data, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    save_weights(tiny_model("pixelcnn", 20, 20), Path("small.safetensors"), dataset="x")
    save_weights(build("freeform", **TINY["freeform"], classes=5), Path("few.safetensors"), dataset="x")
    options = {"--weights": "pixelcnn", "--dataset": "mnist-threshold", "--data-dir": str(data)} | changes
    with pytest.raises(SystemExit, match=message):
        evaluate.main([part for pair in options.items() for part in pair])

import json
import math
from pathlib import Path

import pytest
import torch
from conftest import TINY, tiny_model

from pixelcnn import BadInput, evaluate, hub
from pixelcnn.data import load_digits
from pixelcnn.evaluate import mean_nats
from pixelcnn.models import build


def test_mean_nats_are_minus_the_sum_of_ln_p(data):
    model = tiny_model("pixelcnn", 28, 28)
    digits = load_digits("mnist-threshold", data, "test")
    x = torch.from_numpy((digits.ink >= 128).astype(int))
    with torch.inference_mode():
        ink = torch.sigmoid(model(x)[..., 0])
    expected = -torch.where(x == 1, ink, 1 - ink).log().flatten(1)
    assert mean_nats(model, digits, batch=7) == pytest.approx(expected.sum(1).mean().item(), abs=1e-9)
    bottom = mean_nats(model, digits, region="bottom")
    assert bottom == pytest.approx(expected[:, 392:].sum(1).mean().item(), abs=1e-9)


def test_regions_that_a_raster_model_cannot_use_are_refused(data):
    digits = load_digits("mnist-threshold", data, "test")
    for region in ("top", "left", "right"):
        with pytest.raises(BadInput, match="fills from the top"):
            mean_nats(tiny_model("pixelcnn", 28, 28), digits, region=region)


def test_the_command_prints_one_json_line_last(data, tmp_path, capsys):
    path = tmp_path / "a.safetensors"
    hub.save_weights(tiny_model("pixelcnn", 28, 28).float(), path, dataset="binarized-mnist")
    arguments = ["--weights", str(path), "--dataset", "binarized-mnist", "--data-dir", str(data), "--region", "bottom"]
    evaluate.main(arguments)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(line) == ["model", "weights", "dataset", "split", "region", "images", "nats", "bits_per_dim"]
    assert (line["model"], line["split"], line["region"], line["images"]) == ("pixelcnn", "test", "bottom", 40)
    assert line["bits_per_dim"] == pytest.approx(line["nats"] / 392 / math.log(2), abs=1e-4)


def test_a_digit_drawn_first_is_said_in_the_line(data, tmp_path, capsys):
    path = tmp_path / "a.safetensors"
    hub.save_weights(tiny_model("freeform", 28, 28).float(), path, dataset="binarized-mnist")
    arguments = ["--weights", str(path), "--dataset", "binarized-mnist", "--data-dir", str(data), "--digit-first"]
    evaluate.main(arguments)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["digit_first"] is True and line["images"] == 40 and line["nats"] > 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"--weights": "nothing"}, "choose one of"),
        ({"--data-dir": "/nowhere"}, "put MNIST's IDX files there"),
        ({"--dataset": "mnist-gray"}, "has 2 levels"),
        ({"--region": "left"}, "fills from the top"),
        ({"--digit-first": "--region=all"}, "knows no digits"),
        (
            {"--weights": "small.safetensors", "--dataset": "binarized-mnist"},
            r"is \(20, 20\) and the pictures are \(28, 28\)",
        ),
        ({"--weights": "few.safetensors"}, "knows the digits 0 to 4 and there is a 9"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(data, tmp_path, monkeypatch, changes, says):
    monkeypatch.chdir(tmp_path)
    hub.save_weights(tiny_model("pixelcnn", 20, 20), Path("small.safetensors"), dataset="x")
    hub.save_weights(build("freeform", **TINY["freeform"], classes=5), Path("few.safetensors"), dataset="x")
    given = {"--weights": "pixelcnn", "--dataset": "mnist-threshold", "--data-dir": str(data)} | changes
    with pytest.raises(SystemExit, match=says):
        evaluate.main([part for pair in given.items() for part in pair])

import json

import numpy as np
import pytest
import torch
from conftest import tiny_model

from benchmarks import judge, quality
from pixelcnn import hub
from pixelcnn.data import load_digits
from pixelcnn.errors import WeightsError
from pixelcnn.sampler import complete


def test_calibration_error_by_hand():
    """Four bins: two answers at 0.2, one of them right, one sure and wrong one at 0.9, and a right one at exactly 0.5."""
    confidence, right = np.array([0.2, 0.2, 0.9, 0.5]), np.array([True, False, False, True])
    assert quality.calibration_error(confidence, right, 4) == pytest.approx((2 * 0.3 + 0.9 + 0.5) / 4)
    assert quality.calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
    often = np.random.default_rng(0).random(100_000)
    assert quality.calibration_error(often, np.random.default_rng(1).random(100_000) < often) < 0.01


def test_total_variation_by_hand():
    p, q = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5]]), np.array([[0.5, 0, 0.5], [0, 0, 1], [0.2, 0.3, 0.5]])
    assert quality.total_variation(p, q) == pytest.approx([0.5, 1, 0])


def test_the_quotient_and_its_error():
    whole = np.array([True] * 900 + [False] * 100)
    value, error = quality.quotient(whole & (np.arange(1000) % 10 < 8), whole)
    assert value == pytest.approx(0.8) and error == pytest.approx((0.8 * 0.2 / 900) ** 0.5, rel=1e-3)
    assert quality.quotient(whole, whole) == (1, 0)


@pytest.mark.long
def test_tops_are_completed_as_each_would_be_alone(data):
    model = tiny_model("freeform", 28, 28)
    black, _ = quality.some("mnist-threshold", data, 3)
    drawn = list(quality.completions(model, black, samples=40))
    assert len(drawn) == 3 and all((pictures[:, :14] == top[:14]).all() for pictures, top in zip(drawn, black, strict=True))
    last = complete(model, 255 * black[2], quality.TOP, samples=40, seed=2)
    assert (drawn[2] == last.images).all()


def test_the_judge_reads_real_digits(data):
    """Those of the test split and of unseen writers, also moved, with the weights that are in the repository."""
    reader = judge.load_judge()
    for dataset, least in (("mnist-threshold", 40), ("pens", 19)):
        digits = load_digits(dataset, data, "test")
        black = digits.ink >= 128
        assert (judge.read(reader, black) == digits.labels).sum() >= least
        assert (judge.read(reader, np.roll(black, (1, -1), (1, 2))) == digits.labels).sum() >= least - 1
    assert judge.WEIGHTS.stat().st_size < 1e6


def test_the_judge_learns_from_its_training_digits_alone(data):
    ink, labels = judge.training_digits(data)
    assert ink.shape == (120 + 60 + 10, 1, 28, 28) and len(labels) == 190, (
        "MNIST's training digits, pens of writers 1 to 24"
    )
    torch.manual_seed(0)
    black = judge.varied(ink[:50] / 255)
    assert black.shape == (50, 1, 28, 28) and set(black.unique().tolist()) == {0, 1}
    assert 0.6 < black.mean() / (ink[:50] >= 128).float().mean() < 1.4, "as large as before, more or less"


def test_training_the_judge_is_one_command(data, tmp_path, capsys):
    path = tmp_path / "judge.safetensors"
    judge.main(["--data", str(data), "--out", str(path), "--epochs", "1", "--rows", "14"])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(line) == ["epochs", "minutes", "mnist-threshold", "pens"]
    assert set(line["pens"]) == {"right", "probability"} and 0 <= line["pens"]["probability"] <= 1
    with pytest.raises(SystemExit):
        judge.main(["--data", str(data), "--rows", "14"])
    assert "would replace the judge of whole digits" in capsys.readouterr().err
    judge.load_judge(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="not a whole judge; check it out again"):
        judge.load_judge(path)


@pytest.fixture
def weights(tmp_path):
    """A tiny model of a name as a file."""

    def saved(name: str, size: int = 28) -> str:
        path = tmp_path / f"{name}-{size}.safetensors"
        hub.save_weights(tiny_model(name, size, size).float(), path, dataset="mnist-threshold")
        return str(path)

    return saved


@pytest.mark.long
def test_the_command_prints_one_json_line_last(data, weights, capsys):
    few = ["--data-dir", str(data), "--tops", "6", "--varied", "2", "--digits", "4"]
    quality.main([*few, "--weights", weights("freeform"), "--static", weights("freeform")])
    out = capsys.readouterr().out.splitlines()
    line = json.loads(out[-1])
    assert list(line["quotient"]) == list(line["variation"]) == ["mnist-threshold", "pens"]
    assert line["quotient"]["pens"]["tops"] == 6 and line["variation"]["pens"]["tops"] == 2
    assert list(line["posterior"]["rows"]) == ["8", "14", "20", "28"] and line["posterior"]["digits"] == 4
    assert line["points"] == pytest.approx(
        100 * (line["quotient"]["mnist-threshold"]["quotient"] - line["quotient"]["pens"]["quotient"]), abs=0.02
    )
    assert sum("within 3" in text or "<= 0.15" in text for text in out) == 3


def test_what_a_model_without_classes_cannot_do_is_left_out(data, weights, capsys):
    few = ["--data-dir", str(data), "--tops", "3", "--varied", "2", "--digits", "2"]
    quality.main([*few, "--weights", weights("pixelcnn"), "--static", weights("pixelcnn")])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["variation"] is None and line["posterior"] is None and line["quotient"]["pens"]["tops"] == 3


def test_what_cannot_be_measured_is_one_sentence(data, weights, tmp_path):
    with pytest.raises(SystemExit, match="draws 16 x 16 pixels and the judge reads 28 x 28"):
        quality.main(["--data-dir", str(data), "--weights", weights("pixelcnn", 16)])
    with pytest.raises(SystemExit, match="choose one of"):
        quality.main(["--data-dir", str(data), "--weights", "nothing"])
    with pytest.raises(SystemExit, match="put MNIST's IDX files there"):
        quality.main(["--data-dir", str(tmp_path), "--weights", weights("pixelcnn")])

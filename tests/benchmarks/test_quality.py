"""Metrics and JSON line of benchmarks.quality."""

import json

import numpy as np
import pytest
from conftest import tiny_model

from benchmarks import quality
from pixelcnn.hub.files import save_weights
from pixelcnn.sampling.sampler import complete


def test_calibration_error_by_hand():
    """Four bins: two answers at 0.2, one of them correct, a wrong one at 0.9, and a correct one at exactly 0.5."""
    confidence, correct = np.array([0.2, 0.2, 0.9, 0.5]), np.array([True, False, False, True])
    assert quality.calibration_error(confidence, correct, 4) == pytest.approx((2 * 0.3 + 0.9 + 0.5) / 4)
    assert quality.calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
    calibrated = np.random.default_rng(0).random(100_000)
    assert quality.calibration_error(calibrated, np.random.default_rng(1).random(100_000) < calibrated) < 0.01


def test_total_variation_by_hand():
    p, q = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5]]), np.array([[0.5, 0, 0.5], [0, 0, 1], [0.2, 0.3, 0.5]])
    assert quality.total_variation(p, q) == pytest.approx([0.5, 1, 0])


def test_accuracy_quotient_and_its_standard_error():
    whole = np.array([True] * 900 + [False] * 100)
    value, error = quality.accuracy_quotient(whole & (np.arange(1000) % 10 < 8), whole)
    assert value == pytest.approx(0.8) and error == pytest.approx((0.8 * 0.2 / 900) ** 0.5, rel=1e-3)
    assert quality.accuracy_quotient(whole, whole) == (1, 0)


@pytest.mark.long
def test_completions_equal_those_of_single_requests(data):
    model = tiny_model("freeform", 28, 28)
    pictures, _ = quality.random_digits("mnist-threshold", data, 3)
    completed = list(quality.completions(model, pictures, samples=40))
    assert len(completed) == 3
    assert all((drawn[:, :14] == picture[:14]).all() for (drawn, _), picture in zip(completed, pictures, strict=True))
    last = complete(model, 255 * pictures[2], quality.KNOWN, samples=40, seed=2)
    assert (completed[2][0] == last.images).all() and (completed[2][1] == last.digits).all()


@pytest.fixture
def weights(tmp_path):
    """A tiny model by its registry name, as a file."""

    def saved(name: str, size: int = 28) -> str:
        path = tmp_path / f"{name}-{size}.safetensors"
        save_weights(tiny_model(name, size, size).float(), path, dataset="mnist-threshold")
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
    for part in (line["posterior"], line["static_posterior"]):
        assert list(part["rows"]) == ["8", "14", "20", "28"] and part["digits"] == 4
    assert all(0 <= part["legible"] <= 1 for part in line["quotient"].values())
    assert line["points"] == pytest.approx(
        100 * (line["quotient"]["mnist-threshold"]["quotient"] - line["quotient"]["pens"]["quotient"]), abs=0.02
    )
    assert sum("within 3" in text or "<= 0.10" in text for text in out) == 3


def test_parts_that_need_classes_are_left_out_for_models_without(data, weights, capsys):
    few = ["--data-dir", str(data), "--tops", "3", "--varied", "2", "--digits", "2"]
    quality.main([*few, "--weights", weights("pixelcnn"), "--static", weights("pixelcnn")])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["variation"] is None and line["posterior"] is None and line["static_posterior"] is None
    assert line["quotient"]["pens"]["tops"] == 3 and line["quotient"]["pens"]["legible"] is None


def test_an_exhibit_is_judged_without_a_posterior(data, capsys):
    quality.main(["--data-dir", str(data), "--tops", "4", "--varied", "1", "--digits", "12", "--weights", "pix2pix"])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(line) == {"weights", "quotient", "distinct", "machine", "seconds"} and line["weights"] == "pix2pix"
    for part in line["quotient"].values():
        assert part["tops"] == 4 and 0 <= part["legible"] <= 1 and part["quotient"] > 0
    assert line["distinct"]["tops"] <= 1 and line["distinct"]["tries"] == 16


def test_distinct_digits_are_counted_by_top(monkeypatch):
    monkeypatch.setattr(quality, "classify", lambda classifier, images: images[:, 0, 0])
    drawn = iter([np.array([1, 1, 7]).reshape(3, 1, 1), np.array([2, 2, 2]).reshape(3, 1, 1)])
    assert quality.measure_distinct(None, drawn) == {"tops": 2, "tries": 16, "mean": 1.5}


def test_unusable_weights_and_data_end_with_a_message(data, weights, tmp_path):
    with pytest.raises(SystemExit, match="draws 16 x 16 pixels, but the classifier needs 28 x 28"):
        quality.main(["--data-dir", str(data), "--weights", weights("pixelcnn", 16)])
    with pytest.raises(SystemExit, match="freeform"):
        quality.main(["--data-dir", str(data), "--weights", "nothing"])
    with pytest.raises(SystemExit, match="t10k-images"):
        quality.main(["--data-dir", str(tmp_path), "--weights", weights("pixelcnn")])

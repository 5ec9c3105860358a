"""The digit classifier of the quality benchmark: its weights, its training set and its training command."""

import json

import numpy as np
import pytest
import torch

from benchmarks import train_digit_classifier
from pixelcnn.analysis.digit_classifier import classify, load_digit_classifier
from pixelcnn.data import load_digits
from pixelcnn.errors import WeightsError


def test_the_classifier_reads_real_digits(data):
    """MNIST's test digits and pen digits of unseen writers, also shifted, with the weights in the repository."""
    classifier = load_digit_classifier(train_digit_classifier.WEIGHTS)
    for dataset, least in (("mnist-threshold", 40), ("pens", 19)):
        digits = load_digits(dataset, data, "test")
        pictures = digits.ink >= 128
        assert (classify(classifier, pictures) == digits.labels).sum() >= least
        assert (classify(classifier, np.roll(pictures, (1, -1), (1, 2))) == digits.labels).sum() >= least - 1
    assert train_digit_classifier.WEIGHTS.stat().st_size < 1e6


def test_the_training_set_has_no_test_digits(data):
    ink, labels = train_digit_classifier.training_digits(data)
    # MNIST's training digits (train and valid) and the pen digits of writers 1 to 24.
    assert ink.shape == (120 + 60 + 10, 1, 28, 28) and len(labels) == 190


def test_augmentation_gives_binary_pictures_with_about_as_much_ink(data):
    ink, _ = train_digit_classifier.training_digits(data)
    torch.manual_seed(0)
    pictures = train_digit_classifier.augmented(ink[:50] / 255)
    assert pictures.shape == (50, 1, 28, 28) and set(pictures.unique().tolist()) == {0, 1}
    assert 0.6 < pictures.mean() / (ink[:50] >= 128).float().mean() < 1.4


def test_the_command_trains_a_classifier(data, tmp_path, capsys):
    path = tmp_path / "classifier.safetensors"
    train_digit_classifier.main(["--data", str(data), "--out", str(path), "--epochs", "1", "--rows", "14"])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(line) == ["epochs", "minutes", "mnist-threshold", "pens"]
    assert set(line["pens"]) == {"right", "probability"} and 0 <= line["pens"]["probability"] <= 1
    load_digit_classifier(path)


def test_a_classifier_of_some_rows_does_not_replace_the_default_file(data, capsys):
    with pytest.raises(SystemExit):
        train_digit_classifier.main(["--data", str(data), "--rows", "14"])
    assert "would replace the classifier of whole digits" in capsys.readouterr().err


def test_a_damaged_file_is_a_weights_error(tmp_path):
    path = tmp_path / "classifier.safetensors"
    path.write_bytes(train_digit_classifier.WEIGHTS.read_bytes()[:1000])
    with pytest.raises(WeightsError) as raised:
        load_digit_classifier(path)
    assert raised.value.code == "digit_classifier_unreadable" and raised.value.params == {"path": str(path)}

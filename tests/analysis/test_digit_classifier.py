"""The digit classifier: accuracy of the published weights, and errors for missing or damaged files."""

from pathlib import Path

import numpy as np
import pytest

from pixelcnn import WeightsError
from pixelcnn.analysis.digit_classifier import class_probabilities, classify, load_digit_classifier
from pixelcnn.data import load_digits

WEIGHTS = Path(__file__).parents[2] / "benchmarks" / "judge.safetensors"


def test_the_trained_classifier_reads_test_digits(data):
    classifier = load_digit_classifier(WEIGHTS)
    digits = load_digits("mnist-threshold", data, "test")
    pictures = digits.ink >= 128
    assert not classifier.training
    assert (classify(classifier, pictures) == digits.labels).mean() >= 0.95
    probabilities = class_probabilities(classifier, pictures, batch=7)
    assert probabilities.shape == (len(digits), 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert (probabilities.argmax(1) == classify(classifier, pictures)).all()


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_missing_and_damaged_weights_are_refused(tmp_path, content):
    path = tmp_path / "classifier.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_digit_classifier(path)
    assert caught.value.code == "digit_classifier_unreadable" and caught.value.params == {"path": str(path)}

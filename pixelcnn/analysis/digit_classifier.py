"""A small convolutional network that classifies binary pictures of digits, for judging completions.

Benchmarks and exhibits use it; no autoregressive model does. benchmarks/train_digit_classifier.py trains it.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pixelcnn.errors import WeightsError

SIZE = 28  # height and width of the pictures
PACKAGE = Path(__file__).parents[1]
FILE = Path("benchmarks", "judge.safetensors")
# In a checkout, in the folder beside the package; in an installed wheel, in a folder inside the package.
WEIGHTS = next((path for path in (PACKAGE / FILE, PACKAGE.parent / FILE) if path.exists()), PACKAGE.parent / FILE)


class DigitClassifier(nn.Sequential):
    """Binary pictures (B, 1, 28, 28), 1 is ink, to logits of the ten digits, (B, 10)."""

    def __init__(self) -> None:
        fine = [*conv_layers(1, 32), *conv_layers(32, 32), nn.MaxPool2d(2)]
        middle = [*conv_layers(32, 64), *conv_layers(64, 64), nn.MaxPool2d(2)]
        coarse = [*conv_layers(64, 128), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 7 * 7, 10)]
        super().__init__(*fine, *middle, *coarse)


def conv_layers(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A 3x3 convolution with batch normalization and ReLU, as items of an nn.Sequential."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU()]


def load_digit_classifier(path: Path = WEIGHTS) -> DigitClassifier:
    """The trained classifier in eval mode. Raises WeightsError if the file is missing, damaged or of another network."""
    classifier = DigitClassifier()
    try:
        classifier.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):
        raise WeightsError(
            "digit_classifier_unreadable",
            "{path} does not hold the weights of the digit classifier. Restore the file from the repository, or train it "
            "with python -m benchmarks.train_digit_classifier.",
            path=str(path),
        ) from None
    return classifier.eval()


def classify(classifier: DigitClassifier, pictures: np.ndarray) -> np.ndarray:
    """The most probable digit, 0..9, of each binary picture: pictures (N, 28, 28), bool or 0 and 1, to (N,)."""
    return class_probabilities(classifier, pictures).argmax(1)


@torch.inference_mode()
def class_probabilities(classifier: DigitClassifier, pictures: np.ndarray, batch: int = 200) -> np.ndarray:
    """Probabilities of the ten digits, (N, 10), for binary pictures (N, 28, 28), computed in batches of `batch`."""
    batches: list[Tensor] = list(torch.from_numpy(pictures).float()[:, None].split(batch))
    return torch.cat([classifier(part).softmax(1) for part in batches]).numpy()

"""What a step trains on: pictures, class labels and masks of known pixels, as functions of the seed and the step.

The random choices of a batch are made on the CPU; the pictures stay on the device, where a batch is gathered from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pixelcnn.data import Digits
from pixelcnn.data.dataset import shift_images
from pixelcnn.masks import random_known
from pixelcnn.models import MODELS
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.training.options import Options


class Batch(NamedTuple):
    """numbers (B,) of the pictures, long; offsets (B, 2) that they are moved by, down and right, long; labels (B,), long,
    -1 where the class is not given; known pixels (B, H, W), bool; uniform (B, H, W), random numbers in [0, 1), or None if
    the data set is not resampled.
    """

    numbers: Tensor
    offsets: Tensor
    labels: Tensor
    known: Tensor
    uniform: Tensor | None


class DevicePictures:
    """All pictures of a data set on a device."""

    def __init__(self, digits: Digits, device: str):
        self.digits = digits
        self.ink = torch.tensor(digits.ink, device=device)

    def levels(self, numbers: Tensor, offsets: Tensor, uniform: Tensor | None) -> Tensor:
        """Levels (B, H, W), long, of a batch, on the device; see `Batch` for the arguments, which are there too."""
        return self.digits.quantize(shift_images(self.ink[numbers], offsets), uniform).long()


def epoch_index(step: int, count: int, batch: int, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    """The pictures of a step, (batch,) numbers below `count`, and a generator for the step's other random numbers.

    The order of an epoch is a permutation drawn from (seed, epoch).
    """
    epoch, step_in_epoch = divmod(step, count // batch)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    index = order[step_in_epoch * batch : (step_in_epoch + 1) * batch]
    return index, np.random.default_rng([seed, epoch, step_in_epoch])


def batch_at(step: int, digits: Digits, options: Options) -> Batch:
    """The batch of a step.

    A picture has its label with probability --label-prob and, for models that accept any mask, known pixels with
    probability --hint-prob.
    """
    index, rng = epoch_index(step, len(digits), options.batch, options.seed)
    shape = (len(index), *digits.ink.shape[1:])
    offsets = np.zeros((len(index), 2), np.int64)
    if options.shift:
        offsets = rng.integers(-options.shift, options.shift + 1, offsets.shape)
    uniform = torch.from_numpy(rng.random(shape)) if digits.is_resampled else None
    labels = np.where(rng.random(len(index)) < options.label_prob, digits.labels[index].astype(np.int64), -1)
    known = np.zeros(shape, bool)
    model: type[AutoregressiveModel] = MODELS[options.model][0]
    hint_prob = options.hint_prob if model.accepts_any_mask else 0
    for picture in np.flatnonzero(rng.random(len(index)) < hint_prob):
        known[picture] = random_known(rng, *shape[1:])
    numbers, moves, given, mask = (torch.from_numpy(array) for array in (index, offsets, labels, known))
    return Batch(numbers, moves, given, mask, uniform)


@dataclass(frozen=True)
class TrainingBatches(Dataset[Batch]):
    """The batch of every step, for a `DataLoader`, which can prepare batches in other processes."""

    digits: Digits
    options: Options

    def __getitem__(self, step: int) -> Batch:
        return batch_at(step, self.digits, self.options)


def batches_from(step: int, digits: Digits, options: Options) -> Iterable[Batch]:
    """The batches from a step to the end of the run."""
    return DataLoader(
        TrainingBatches(digits, options),
        batch_size=None,
        sampler=range(step, options.step_limit),
        num_workers=options.workers,
        pin_memory=options.device == "cuda",
    )

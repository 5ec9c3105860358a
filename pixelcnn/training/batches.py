"""What a step trains on: pictures, class labels and masks of known pixels, as functions of the seed and the step."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pixelcnn.data import Digits
from pixelcnn.masks import random_known
from pixelcnn.models import MODELS
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.training.options import Options


class Batch(NamedTuple):
    """levels (B, H, W), long; labels (B,), long, -1 where the class is not given; known pixels (B, H, W), bool."""

    levels: Tensor
    labels: Tensor
    known: Tensor


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
    levels = digits.batch(index, rng, options.shift)
    labels = np.where(rng.random(len(index)) < options.label_prob, digits.labels[index].astype(np.int64), -1)
    known = np.zeros(levels.shape, bool)
    model: type[AutoregressiveModel] = MODELS[options.model][0]
    hint_prob = options.hint_prob if model.accepts_any_mask else 0
    for picture in np.flatnonzero(rng.random(len(index)) < hint_prob):
        known[picture] = random_known(rng, *levels.shape[1:])
    return Batch(*(torch.from_numpy(array) for array in (levels, labels, known)))


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

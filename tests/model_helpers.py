"""Masks, pictures and expected receptive fields for tests of models and sampling."""

import itertools

import numpy as np
import torch
from conftest import tiny_model

from pixelcnn import InputError
from pixelcnn.models import MODELS
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.cache import Taps
from pixelcnn.nn.layers import mask_a, mask_b
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.result import Job

WITH_CLASSES = [name for name in MODELS if tiny_model(name).classes]
WITHOUT_CLASSES = [name for name in MODELS if name not in WITH_CLASSES]


def size(model: AutoregressiveModel) -> tuple[int, int, int]:
    """Height, width and number of pixels."""
    return model.config.height, model.config.width, model.config.height * model.config.width


def all_images(model: AutoregressiveModel) -> torch.Tensor:
    """Every picture of two levels, (2 ** (H * W), H, W)."""
    height, width, pixels = size(model)
    return torch.tensor(list(itertools.product((0, 1), repeat=pixels))).view(-1, height, width)


def accepted_masks(model: AutoregressiveModel) -> list[torch.Tensor]:
    """The accepted masks (H, W): of all but the full one on 3 x 3 and smaller, of prefixes and 64 random ones on 4 x 4.

    The empty one on 4 x 4 is left out: the sum over all pictures takes long and has a test of its own.
    """
    height, width, pixels = size(model)
    if pixels < 10:
        candidates = all_images(model)[:-1].bool()
    else:
        prefixes = torch.arange(pixels) < torch.arange(1, pixels)[:, None]
        scattered = torch.rand(64, pixels, generator=torch.Generator().manual_seed(1)) < 0.5
        candidates = torch.cat([prefixes, scattered]).view(-1, height, width)
    masks = []
    for mask in candidates:
        try:
            model.fill_order(mask)
        except InputError:
            continue
        masks.append(mask)
    return masks


def some_masks(model: AutoregressiveModel) -> list[torch.Tensor]:
    """A few masks (H, W) that the model accepts: none, 2 or 4 top rows known; for any-mask models also others."""
    height, width, pixels = size(model)
    tops = [torch.arange(pixels) < width * rows for rows in (0, 2, 4)]
    holes = torch.rand(4, pixels, generator=torch.Generator().manual_seed(2)) < 0.5
    masks = [*tops, torch.arange(pixels) >= 3 * width, *holes] if model.accepts_any_mask else tops
    return [mask.view(height, width) for mask in masks]


def hints_for(model: AutoregressiveModel, known: torch.Tensor, count: int) -> torch.Tensor | None:
    """The hints of a mask for `count` pictures, (count, H, W), or None."""
    hints = model.hints(known)
    return None if hints is None else hints.expand(count, -1, -1)


def drawing_with_known_rows(model: AutoregressiveModel, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawing of random ink, and a mask with that many known rows from the top."""
    height, width, _ = size(model)
    drawing = np.random.default_rng(3).integers(0, 256, (height, width))
    known = np.zeros((height, width), int)
    known[:rows] = 1
    return drawing, known


def visible_pixels(height: int, width: int, hops: list[Taps]) -> torch.Tensor:
    """visible[p, q]: whether one tap of each hop in turn leads from pixel p to pixel q inside the picture."""
    pixels = height * width
    visible = torch.eye(pixels, dtype=torch.bool)
    for taps in hops:
        hop = torch.zeros(pixels, pixels, dtype=torch.bool)
        for pixel in range(pixels):
            for down, right in taps:
                row, column = pixel // width + down, pixel % width + right
                if 0 <= row < height and 0 <= column < width:
                    hop[pixel, row * width + column] = True
        visible = (visible.double() @ hop.double()) > 0
    return visible


def expected_receptive_fields(model: AutoregressiveModel) -> torch.Tensor:
    """visible[p, q] by the papers: nothing, PixelCNN's masks, a triangle for the Row LSTM, else all earlier pixels."""
    height, width, pixels = size(model)
    if model.name == "independent":
        return torch.zeros(pixels, pixels, dtype=torch.bool)
    if model.name == "pixelcnn":
        return visible_pixels(height, width, [mask_b(model.config.kernel)] * model.config.blocks + [mask_a(7)])
    if model.name == "row_lstm":
        states_above = [((0, 0), (-1, -1), (-1, 0), (-1, 1))] * height  # the recurrence, up to the first row
        return visible_pixels(height, width, [*states_above, ((0, 0), (0, -1))] * model.config.layers + [mask_a(7)])
    return torch.ones(pixels, pixels).tril(-1).bool()


def sample_to_end(batch: ContinuousBatch, job: Job, window: int | None) -> None:
    """Admit a job, step until it is finished and update its result."""
    batch.admit([job])
    while batch.step(window=window):
        pass
    batch.update_result(job)

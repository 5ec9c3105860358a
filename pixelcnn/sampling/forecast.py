"""Forecasts of the next pixels, which one step then verifies: predictive sampling (arXiv:2002.09928).

The network has computed the logits of a window of pixels assuming forecast levels before each. When a level turns out
different, the logits of nearby pixels change. A linear model of eight neighbors estimates by how much, and with the pixel's
own noise that gives the next forecast. A wrong forecast costs a step and changes no picture. For binary pixels. The paper's
learned forecasting modules are not used.
"""

import numpy as np
import torch

from pixelcnn.distributions import Bernoulli

# What ink at offset (row, column) adds to a pixel's logit: a logistic regression on 100 thresholded digits, rounded.
NEIGHBOR_WEIGHTS = {
    (0, -1): 5.0,
    (0, -2): -0.5,
    (-1, -2): -1.0,
    (-1, -1): -0.25,
    (-1, 0): 2.5,
    (-1, 1): 2.75,
    (-1, 2): 0.5,
    (-2, 0): -1.5,
}
BIAS = -4.0  # the logit if none of them is ink


class Forecast:
    """Predicted levels of one picture. Plain Python lists, one number per pixel: few are read at a time, one by one."""

    def __init__(self, picture: np.ndarray, unknown: np.ndarray, noise: np.ndarray, temperature: float, width: int):
        """picture: levels 0 and 1, (H * W,), 0 where unknown; unknown: bool (H * W,); noise: uniform numbers (H * W,)."""
        thresholds = Bernoulli().thresholds(torch.from_numpy(noise), temperature).numpy()
        known = np.where(picture, -np.inf, np.inf)  # a known pixel keeps its level whatever the logit
        self.thresholds = np.where(unknown, thresholds, known).tolist()
        self.levels = [0] * len(picture)
        self.logits = [BIAS] * (len(picture) + 2 * width)  # two rows below the picture, never read
        self.updates = [
            [
                (-row * width - right, weight)
                for (row, right), weight in NEIGHBOR_WEIGHTS.items()
                if 0 <= column - right < width
            ]
            for column in range(width)
        ]  # for a pixel of each column: offsets of the later pixels that it influences, and by how much
        for pixel in np.flatnonzero(picture).tolist():
            self.set_level(pixel, 1)

    def set_level(self, pixel: int, level: int) -> None:
        """Set a level and update the estimated logits of the pixels that depend on it."""
        change = level - self.levels[pixel]
        if change:
            self.levels[pixel] = level
            for offset, weight in self.updates[pixel % len(self.updates)]:
                self.logits[pixel + offset] += change * weight

    def predict(self, start: int, stop: int) -> list[int]:
        """Levels of the pixels start..stop-1, each given the predictions before it."""
        for pixel in range(start, stop):
            self.set_level(pixel, int(self.logits[pixel] >= self.thresholds[pixel]))
        return self.levels[start:stop]

    def update(self, start: int, logits: list[float], accepted: int, level: int) -> None:
        """Take over the logits that a step computed from pixel `start` on, and the level of the last accepted pixel."""
        self.logits[start : start + len(logits)] = logits
        self.set_level(start + accepted - 1, level)

"""Guesses at levels that are still to be drawn, so that a window of pixels can be worked out at once (2002.09928).

The network has said what it thinks of a pixel as if certain levels came before it. When one of those turns out otherwise,
the logits of the pixels near it move: by how much, about, a linear model of eight neighbours says. With the pixel's noise
that makes a guess. A wrong guess costs a step and changes no picture; numbers that suit digits suit other strokes too.

Knows pixels black or white of one picture; no network, no cache.
"""

import numpy as np
import torch

from pixelcnn.likelihoods import Bernoulli

# What ink at (row, column) of a pixel adds to its logit: a logistic regression on 100 thresholded digits, rounded.
NEAR = {
    (0, -1): 5.0,
    (0, -2): -0.5,
    (-1, -2): -1.0,
    (-1, -1): -0.25,
    (-1, 0): 2.5,
    (-1, 1): 2.75,
    (-1, 2): 0.5,
    (-2, 0): -1.5,
}
ALONE = -4.0  # the logit where none of them is ink


class Forecast:
    """Of one picture. Plain lists of numbers, one a pixel in raster order: there are few, and they are looked at singly."""

    def __init__(self, picture: np.ndarray, unknown: np.ndarray, noise: np.ndarray, temperature: float, width: int):
        """picture: levels 0 and 1, (H * W,), what is unknown 0; unknown: bool (H * W,); noise: uniform numbers (H * W,)."""
        limits = Bernoulli().thresholds(torch.from_numpy(noise), temperature).numpy()
        self.limits = np.where(unknown, limits, np.where(picture, -np.inf, np.inf)).tolist()  # the known stay as they are
        self.levels = [0] * len(picture)
        self.logits = [ALONE] * (len(picture) + 2 * width)  # below the picture nobody looks
        self.moves = [
            [(-row * width - right, move) for (row, right), move in NEAR.items() if 0 <= column - right < width]
            for column in range(width)
        ]
        for pixel in np.flatnonzero(picture).tolist():
            self.put(pixel, 1)

    def put(self, pixel: int, level: int) -> None:
        """Take a level for given: the logits of pixels behind it move."""
        change = level - self.levels[pixel]
        if change:
            self.levels[pixel] = level
            for ahead, move in self.moves[pixel % len(self.moves)]:
                self.logits[pixel + ahead] += change * move

    def guess(self, start: int, stop: int) -> list[int]:
        """Levels of the pixels from start to before stop, the guesses before each taken for given."""
        for pixel in range(start, stop):
            self.put(pixel, int(self.logits[pixel] >= self.limits[pixel]))
        return self.levels[start:stop]

    def learn(self, start: int, logits: list[float], kept: int, level: int) -> None:
        """What a step said: logits from pixel start on, given the guesses; how many stand; the level of the last one."""
        self.logits[start : start + len(logits)] = logits
        self.put(start + kept - 1, level)

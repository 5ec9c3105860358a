"""Steps of a network over its cache: as they come, or, on a CUDA device, by heart.

Knows shapes and which of them have been seen before; nothing of levels, noise or whose pictures they are.
"""

from collections import Counter

import torch
from torch import Tensor

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.replay import Replay
from pixelcnn.where import Cache, Fixed, Here, Varies

ROWS = 1024  # pixels that a device is given at once, at most, for more pictures do not pay for guesses
OFTEN = 3  # times that a number of pictures comes before it is worth a recording, which takes as long as some steps


class Steps:
    """A model's steps, with what has been recorded of them."""

    def __init__(self, model: AutoregressiveModel, cache: Cache):
        self.model, self.cache = model, cache
        self.by_heart = model.device.type == "cuda"  # until the model proves to be one whose work varies
        self.replays: dict[tuple[int, int], Replay] = {}
        self.seen: Counter[tuple[int, int]] = Counter()

    def window(self, pictures: int, stretch: float) -> int:
        """How many pixels of each of so many pictures to try for, where about `stretch` have stood lately."""
        most = self.model.window
        if self.by_heart:
            return max(1, min(most, ROWS // rung(pictures)))
        # The more pictures share what a step costs however little is in it, the less is worth risking on guesses; nor is
        # much more than what has stood lately.
        return max(1, min(round(most / pictures**0.5), int(2 * stretch)))

    def __call__(self, slots: Tensor, before: Tensor, levels: Tensor, pixels: Tensor) -> Tensor:
        """Params (n, W, P) of pixels (n, W) in slots (n,), once the levels (n, W) drawn before them, at `before`, are told.

        All on the CPU, as the answer is; the pixels of a slot follow each other, the last perhaps again and again.
        """
        pictures, each = pixels.shape
        rows = torch.stack([slots[:, None].expand(-1, each), before, levels, pixels]).flatten(1)  # (4, n * W), one upload
        device = self.model.device
        if not self.by_heart:
            return self.step(Here, each, rows.to(device)).cpu().view(pictures, each, -1)
        # As many pictures as are recorded: the last one fills up what is left, doing the same again.
        full = torch.cat([rows, rows[:, -each:].repeat(1, rung(pictures) - pictures)], 1)
        try:
            params = self.recorded(each, full)
        except Varies:
            self.by_heart = False
            return self(slots, before, levels, pixels)
        return params[: pictures * each].cpu().view(pictures, each, -1)

    def recorded(self, each: int, rows: Tensor) -> Tensor:
        """As `step`, of rows that lie on the CPU."""
        kind = (rows.shape[1], each)
        self.seen[kind] += 1
        if kind not in self.replays:
            if self.seen[kind] < OFTEN:
                return self.step(Fixed, each, rows.to(self.model.device))
            self.replays[kind] = Replay(lambda rows: self.step(Fixed, each, rows), rows.to(self.model.device))
        return self.replays[kind](rows)

    def step(self, kind: type[Here], each: int, rows: Tensor) -> Tensor:
        """Params (B, P) in float64 from (4, B): slots, pixels whose levels to write, those levels, pixels."""
        slots, before, levels, pixels = rows
        self.model.write(self.cache, slots, before, levels)
        return self.model.step(self.cache, slots, pixels, each, kind).double()


def rung(pictures: int) -> int:
    """The number of pictures that is recorded for so many: a power of two, so that there are few of them."""
    return 1 << (pictures - 1).bit_length()

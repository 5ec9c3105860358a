"""The base class of all layers: `nn.Module` without hooks, whose calls cost a fraction."""

from typing import Any

from torch import nn


class Module(nn.Module):
    """A module that is called directly, without forward hooks.

    A step of one pixel calls about a hundred layers and computes for a few microseconds in each; PyTorch's checks for hooks
    would take a tenth of its time.
    """

    def __call__(self, *args: Any) -> Any:
        return self.forward(*args)

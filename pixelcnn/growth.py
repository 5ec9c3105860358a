"""A narrow model's weights in a wider one of its kind, which says the same at first and can learn more.

    [1] T. Chen, I. Goodfellow, J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", 2015, arXiv:1511.05641.

As in [1] the function is kept; other than there, new channels are not copies of old ones, but listen from the first step
with weights of their own, and are not yet listened to by the old.
"""

import torch
from torch import Tensor, nn

from pixelcnn.models.base import AutoregressiveModel


@torch.no_grad()
def grow(narrow: AutoregressiveModel, wide: AutoregressiveModel) -> None:
    """Change `wide`, new, so that it says what `narrow` says: the same model with no more `channels`, else as it is.

    Both on one device. Raises ValueError where they are other than that, and where a layer norm would mix new channels into
    old ones.
    """
    if not widens(narrow, wide):
        raise ValueError(f"{narrow.name} has {narrow.config}; give weights of {wide.config}, or with fewer channels.")
    before, after = narrow.config.channels, wide.config.channels
    if before < after and any(isinstance(module, nn.LayerNorm) for module in wide.modules()):
        raise ValueError(f"{wide.name} cannot begin with fewer channels, which a layer norm would mix; give {wide.config}.")
    for name, module in wide.named_modules():
        # Of which of its dimensions a weight takes features, and of which it gives them.
        taken, given = (1, 0) if isinstance(module, nn.Linear) else (-2, -1)
        for parameter, new in module.named_parameters(recurse=False):
            old = narrow.get_submodule(name).get_parameter(parameter)
            kept = [places(*sizes, before, after).to(new.device) for sizes in zip(old.shape, new.shape, strict=True)]
            if new.dim() > 1 and len(kept[taken]) < new.shape[taken]:
                new.index_fill_(given, kept[given], 0)  # what an old channel takes of new ones
            new[torch.meshgrid(*kept, indexing="ij")] = old


def widens(narrow: AutoregressiveModel, wide: AutoregressiveModel) -> bool:
    """Whether the one is the other with as many channels or more; how much either drops in training does not matter."""
    sizes, larger, free = vars(narrow.config), vars(wide.config), {"channels": 0, "dropout_percent": 0}
    return narrow.name == wide.name and sizes | free == larger | free and sizes["channels"] <= larger["channels"]


def places(size: int, larger: int, before: int, after: int) -> Tensor:
    """Where a dimension's entries lie in the larger one: it holds groups of channels (gates, halves), and each grows."""
    if size == larger:
        return torch.arange(size)
    return (torch.arange(size // before)[:, None] * after + torch.arange(before)).flatten()

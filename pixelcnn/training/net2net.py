"""Initialize a model from a trained one with fewer channels, so that both compute the same function at first.

    [1] T. Chen, I. Goodfellow, J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", 2015, arXiv:1511.05641.

As in [1], the function is preserved. Unlike in [1], new channels are not copies of old ones: they keep their random input
weights, and old channels get zero weights for them.
"""

import torch
from torch import Tensor, nn

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.layers import BatchNorm


@torch.no_grad()
def widen(narrow: AutoregressiveModel, wide: AutoregressiveModel) -> None:
    """Change the parameters of `wide`, a new model, so that it computes the same function as `narrow`.

    Both are the same model on the same device, and their configs are equal except that `wide` may have more `channels`.
    Raises ValueError otherwise, and for a wider model with a layer norm, which would mix new channels into old ones.
    """
    if not can_widen(narrow, wide):
        raise ValueError(f"{narrow.name} has {narrow.config}; give weights of {wide.config}, or with fewer channels.")
    before, after = channels(narrow), channels(wide)
    if before < after and any(isinstance(module, nn.LayerNorm) for module in wide.modules()):
        raise ValueError(f"{wide.name} has layer norms and cannot be widened; give weights of {wide.config}.")
    for name, module in wide.named_modules():
        # The axes of input and output features.
        fan_in, fan_out = (1, 0) if isinstance(module, nn.Linear) else (-2, -1)
        for parameter, new in module.named_parameters(recurse=False):
            old: Tensor = narrow.get_submodule(name).get_parameter(parameter)
            kept = [old_positions(*sizes, before, after).to(new.device) for sizes in zip(old.shape, new.shape, strict=True)]
            if new.dim() > 1 and len(kept[fan_in]) < new.shape[fan_in]:
                new.index_fill_(fan_out, kept[fan_out], 0)  # weights of old channels for new ones
            new[torch.meshgrid(*kept, indexing="ij")] = old
        if isinstance(module, BatchNorm):
            for statistic in ("running_mean", "running_var"):
                old, new = narrow.get_submodule(name).get_buffer(statistic), module.get_buffer(statistic)
                new[old_positions(len(old), len(new), before, after).to(new.device)] = old


def can_widen(narrow: AutoregressiveModel, wide: AutoregressiveModel) -> bool:
    """Whether the models are the same except for more channels and another dropout."""
    first, second, ignored = vars(narrow.config), vars(wide.config), {"channels": 0, "dropout_percent": 0}
    return narrow.name == wide.name and first | ignored == second | ignored and channels(narrow) <= channels(wide)


def channels(model: AutoregressiveModel) -> int:
    """The channels of a model; 0 if it has none to widen."""
    return vars(model.config).get("channels", 0)


def old_positions(old_size: int, new_size: int, before: int, after: int) -> Tensor:
    """The indices of an axis that come from the narrow model; an axis consists of groups of channels, which all grow."""
    if old_size == new_size:
        return torch.arange(old_size)
    return (torch.arange(old_size // before)[:, None] * after + torch.arange(before)).flatten()

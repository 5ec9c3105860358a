"""Optimizers: AdamW with its parameter groups, Muon for hidden matrices, and the moving average of the weights.

[1] K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, kellerjordan.github.io.
[2] J. Liu et al., "Muon is Scalable for LLM Training", 2025, arXiv:2502.16982.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.nn.layers import CachedLayer, MaskedConv2d

ADAM_BETAS = (0.9, 0.99)
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients of [1]
NEWTON_SCHULZ_STEPS = 5
View = tuple[int, int, int, int]  # (batch, rows, chunks, columns), see `as_matrices`

# Weights whose outputs are several matrices side by side (gates, keys and values, 2 x 2 pixels): how many, by model.
CHUNKS = {
    "row_lstm": {r"input_to_state\.weight": 4, r"lstm\.weight": 4},
    "diagonal_bilstm": {r"input_to_state\.weight": 8, r"lstm\.weight": 4},
    "gated_pixelcnn": {r"(vertical|horizontal|across)\.weight": 2},
    "pixelcnn_pp": {r"second\.weight": 2, r"finer\.\d+\.weight": 4},
    "fast_weights": {r"(rows|left|across)\.weight": 2},
    "dnc": {r"(rows|left|across)\.weight": 2, r"memory\.(weight|input\.weight|reads\.weight)": 4},
    "freeform": {r"blocks\.\d+\.(conv|given)\.weight": 2, r"key_value\.weight": 2},
}


def build_optimizers(
    model: AutoregressiveModel, kind: str, weight_decay: float, *, capturable: bool = False
) -> dict[str, torch.optim.Optimizer]:
    """The optimizers of all parameters that require a gradient, by their names in checkpoints.

    kind: "adamw", or "muon" for `Muon` on `hidden_matrices` and AdamW on all other parameters. Weight decay applies to
    weights and not to biases and other vectors. The learning rate is set before every step by `set_learning_rate`.
    capturable: a step can be captured as a CUDA graph; the learning rate is then a tensor on the device.
    """
    lr = torch.zeros((), device=model.device) if capturable else 1e-3  # until it is set
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = hidden_matrices(model) if kind == "muon" else {}
    matrices = {parameter: view for parameter, view in matrices.items() if parameter.requires_grad}
    others = [parameter for parameter in trained if parameter not in matrices]
    groups = [
        {"params": [parameter for parameter in others if parameter.dim() > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in others if parameter.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizers: dict[str, torch.optim.Optimizer] = {}
    if others:
        optimizers["adam"] = torch.optim.AdamW(groups, lr, betas=ADAM_BETAS, fused=capturable, capturable=capturable)
    if matrices:
        optimizers["muon"] = Muon(matrices, lr, weight_decay=weight_decay)
    return optimizers


def set_learning_rate(optimizers: Iterable[torch.optim.Optimizer], rate: float | Tensor) -> None:
    """Set the rate of all parameters. A rate that is a tensor on the device keeps its memory."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].copy_(torch.as_tensor(rate))
            else:
                group["lr"] = float(rate)


def average_weight(decay: float, step: int) -> float:
    """The weight of new weights in the moving average after step number `step`, counted from 1.

    The decay grows from 2/11 to `decay`, so that the average forgets the initial weights.
    """
    return 1 - min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def update_average(ema: nn.Module, model: nn.Module, weight: float | Tensor) -> None:
    """Update the exponential moving average of a model. Running statistics in buffers are averaged too."""
    averages, values = [], []
    current = model.state_dict()
    for name, average in ema.state_dict().items():
        if average.is_floating_point():
            averages.append(average)
            values.append(current[name])
        else:
            average.copy_(current[name])
    changes = torch._foreach_sub(values, averages)
    torch._foreach_mul_(changes, weight)
    torch._foreach_add_(averages, changes)


def hidden_matrices(model: AutoregressiveModel) -> dict[Tensor, View]:
    """The weights for Muon: of linear layers, convolutions and recurrences between the first layers and the output layer.

    The layers that read the picture or the hints, the output layer, embeddings, biases and norms are left out [1].
    """
    excluded: set[nn.Module] = {layer for layer in model.input_layers if isinstance(layer, MaskedConv2d)}
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    excluded.update(linear[-1:])
    matrices: dict[Tensor, View] = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        reads_picture = isinstance(module, nn.Conv2d) and module.in_channels == 2  # levels and a mask of hints
        if not isinstance(module, nn.Linear | nn.Conv2d | CachedLayer) or module in excluded or reads_picture:
            continue
        if isinstance(weight, nn.Parameter) and weight.dim() > 1:
            matrices[weight] = matrix_view(module, weight, chunk_count(model.name, f"{name}.weight"))
    return matrices


def chunk_count(model: str, parameter: str) -> int:
    patterns = CHUNKS.get(model, {})
    return next((count for pattern, count in patterns.items() if re.search(rf"(^|\.){pattern}$", parameter)), 1)


def matrix_view(module: nn.Module, weight: Tensor, chunks: int) -> View:
    """How a weight is a batch of matrices: chunks are parts of the output features."""
    if isinstance(module, nn.Linear | nn.Conv2d):  # (out, in, ...)
        return (chunks, len(weight) // chunks, 1, weight[0].numel())
    columns = weight.shape[-1] // chunks
    if isinstance(module, MaskedConv2d):  # (taps, in, out)
        return (1, weight.shape[:-1].numel(), chunks, columns)
    return (weight.shape[:-2].numel(), weight.shape[-2], chunks, columns)  # (directions, in, out) or (in, out)


def as_matrices(tensor: Tensor, view: View) -> Tensor:
    """A weight (or its gradient) as a batch of matrices, (batch * chunks, rows, columns)."""
    return tensor.reshape(view).transpose(1, 2).flatten(0, 1)


def from_matrices(matrices: Tensor, view: View, shape: torch.Size) -> Tensor:
    """The inverse of `as_matrices`."""
    batch, _, chunks, _ = view
    return matrices.unflatten(0, (batch, chunks)).transpose(1, 2).reshape(shape)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Approximately the nearest semi-orthogonal matrices, (N, rows, columns), by Newton-Schulz iterations [1].

    The precision is that of the input. Tall matrices are transposed, so that the products are as small as possible.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalized, for weights that are matrices or batches of matrices [1].

    Equal to `torch.optim.Muon` with adjust_lr_fn="match_rms_adamw" [2], which accepts 2-D parameters only. The work is
    batched over matrices of equal shape. Nothing waits for the device, and the learning rate may be a tensor, so that a
    step can be captured as a CUDA graph. Parameters without a gradient are not touched.

    views: the parameters, and how each is a batch of matrices (`as_matrices`).
    dtype: of the iterations; by default bfloat16 on CUDA, where it is fast and [1] found it accurate enough, else float32.
    """

    def __init__(
        self,
        views: Mapping[Tensor, View],
        lr: float | Tensor = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        dtype: torch.dtype | None = None,
    ):
        self.views = views
        self.dtype = dtype
        by_shape: dict[tuple[int, int], list[Tensor]] = {}
        for parameter, (_, rows, _, columns) in views.items():
            by_shape.setdefault((rows, columns), []).append(parameter)
        groups = [{"params": parameters} for parameters in by_shape.values()]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One update of all parameters that have a gradient; closures are not supported."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._update(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _update(self, parameters: list[Tensor], lr: float | Tensor, momentum: float, weight_decay: float) -> None:
        """Update parameters whose matrices have equal shapes."""
        views = [self.views[parameter] for parameter in parameters]
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for parameter in parameters:
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum_buffer"] for parameter in parameters]
        torch._foreach_lerp_(buffers, grads, 1 - momentum)
        nesterov = torch._foreach_lerp(grads, buffers, momentum)
        matrices = torch.cat([as_matrices(update, view) for update, view in zip(nesterov, views, strict=True)])
        dtype = self.dtype or (torch.bfloat16 if matrices.is_cuda else matrices.dtype)
        scale = 0.2 * max(matrices.shape[-2:]) ** 0.5
        updates = orthogonalize(matrices.to(dtype)).to(matrices.dtype) * (-scale * lr)
        parts = updates.split([batch * chunks for batch, _, chunks, _ in views])
        changes = [
            from_matrices(part, view, parameter.shape)
            for parameter, part, view in zip(parameters, parts, views, strict=True)
        ]
        torch._foreach_mul_(parameters, 1 - lr * weight_decay)
        torch._foreach_add_(parameters, changes)

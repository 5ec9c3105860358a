"""Checkpoints: one safetensors file with the model, its moving average and the optimizers; the step is in its metadata."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pixelcnn.atomic import write_atomically
from pixelcnn.data import Digits
from pixelcnn.training.errors import TrainingError, writing
from pixelcnn.training.options import Options

if TYPE_CHECKING:
    from pixelcnn.training.trainer import Trainer

# Facts that older checkpoints lack; None accepts any value.
MISSING_FACTS = {"only": "", "optimizer": "adamw", "pictures": None, "ink_sha256": None}


def identity(options: Options, config: dict[str, Any], digits: Digits) -> dict[str, Any]:
    """What must be equal for a run to resume.

    The number of steps and the learning rate with its decay may change. A run also resumes with other values of the
    remaining options, but it then continues differently than it would have.
    """
    return {
        "model": options.model,
        "config": config,
        "dataset": digits.dataset,
        "only": options.only,
        "optimizer": options.optimizer,
        "batch": options.batch,
        "shift": options.shift,
        "seed": options.seed,
        "pictures": len(digits),
        "ink_sha256": digits.fingerprint(),
    }


def save_checkpoint(trainer: "Trainer", tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Replace the checkpoint atomically with tensors of `checkpoint_tensors` and facts of `identity`.

    Raises TrainingError if it cannot be written.
    """
    path = trainer.options.checkpoint
    metadata = {"checkpoint": json.dumps(facts | {"step": trainer.step, "minutes": trainer.minutes})}
    with writing(path):
        write_atomically(path, lambda temporary: save_file(tensors, temporary, metadata))


def checkpoint_tensors(trainer: "Trainer") -> dict[str, Tensor]:
    """Parameters as model.NAME, their averages as ema.NAME, optimizer state as adam.KEY.NAME or muon.KEY.NAME.

    Raises TrainingError if one of them is not finite.
    """
    tensors = {f"model.{name}": value for name, value in trainer.model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in trainer.ema.state_dict().items()}
    for prefix, optimizer in trainer.optimizers.items():
        for name, parameter in trainer.model.named_parameters():
            state = optimizer.state.get(parameter, {})  # empty if the parameter never had a gradient
            tensors |= {f"{prefix}.{key}.{name}": value for key, value in state.items()}
    finite = torch.stack([value.isfinite().all().cpu() for value in tensors.values()]).tolist()
    for name, is_finite in zip(tensors, finite, strict=True):
        if not is_finite:
            raise trainer.not_finite(f"tensor {name}", trainer.step)
    return {name: value.detach().contiguous() for name, value in tensors.items()}


def resume(trainer: "Trainer", facts: dict[str, Any]) -> None:
    """Restore the checkpoint of the run, if there is one; facts are those of `identity`.

    Raises TrainingError for a damaged file and for a checkpoint with other facts.
    """
    path = trainer.options.checkpoint
    if not path.exists():
        return
    try:
        with safe_open(path, "pt") as file:
            found = MISSING_FACTS | json.loads(file.metadata()["checkpoint"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        step, minutes = int(found["step"]), float(found.get("minutes", 0))
    except (SafetensorError, OSError, TypeError, KeyError, ValueError):
        raise TrainingError(f"{path} is not a complete checkpoint; move it away to start again.") from None
    check_identity(path, found, facts)
    trainer.model.load_state_dict(with_prefix(tensors, "model."))
    trainer.ema.load_state_dict(with_prefix(tensors, "ema."))
    for prefix, optimizer in trainer.optimizers.items():
        restore_optimizer(optimizer, trainer.model, with_prefix(tensors, f"{prefix}."))
    trainer.set_progress(step, minutes)


def check_identity(path: Path, found: dict[str, Any], facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        before = found.get(name)
        if before == value or (before is None and name in MISSING_FACTS):
            continue
        if name in ("pictures", "ink_sha256"):
            count = found["pictures"]
            raise TrainingError(
                f"{path} was trained on {count} other pictures; give the same --data again or another --run folder."
            )
        raise TrainingError(f"{path} has {name} {before}, not {value}; give the same again or another --run folder.")


def restore_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set the state of every parameter from tensors named KEY.NAME."""
    parameters = dict(model.named_parameters())
    for full_name, value in tensors.items():
        key, _, name = full_name.partition(".")
        optimizer.state[parameters[name]][key] = value.to(parameters[name].device)


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, under their names without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

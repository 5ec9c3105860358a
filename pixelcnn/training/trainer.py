"""The trainer: a model, its moving average, its optimizers, and one training step."""

import time
from pathlib import Path

import torch
from torch import Tensor

from pixelcnn.errors import WeightsError
from pixelcnn.hub.files import load_file
from pixelcnn.models import build, config_of
from pixelcnn.training.batches import Batch
from pixelcnn.training.distributed import synchronize_batch_norm
from pixelcnn.training.errors import TrainingError
from pixelcnn.training.gradients import Gradients, GraphedGradients
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.net2net import widen
from pixelcnn.training.optimizer import build_optimizers, set_learning_rate, update_average
from pixelcnn.training.options import Options, parse_config
from pixelcnn.training.schedule import learning_rate

MAX_GRADIENT_NORM = 100.0
NEVER = 2**62  # a step that no run reaches


class Trainer:
    """The model, its moving average and its optimizers: what a checkpoint holds."""

    def __init__(self, options: Options):
        torch.manual_seed(options.seed)
        self.options = options
        self.model = build(options.model, **parse_config(options.config, options.model)).to(options.device)
        if options.world_size > 1:
            synchronize_batch_norm(self.model)
        self.ema = build(options.model, **config_of(self.model)).to(options.device).eval()
        self.ema.load_state_dict(self.model.state_dict())
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(any(part in name for part in options.only.split(",")))
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not self.trained:
            example = next(iter(self.model.state_dict()))
            raise TrainingError(f"--only is {options.only!r} and no parameter has that in its name; one is {example}.")
        on_cuda = options.device == "cuda"
        self.optimizers = build_optimizers(self.model, options.optimizer, options.weight_decay, fused=on_cuda)
        self.loss = TrainingLoss(self.model, torch.compile(self.model) if options.compile else self.model, options)
        use_graphs = on_cuda and not options.compile
        self.gradients = (GraphedGradients if use_graphs else Gradients)(self.loss, self.trained)
        self.set_progress(0, 0.0)
        # The first steps whose loss and whose gradient were not finite. On the device, so that no step waits for it.
        self.first_not_finite = torch.full((2,), NEVER, device=options.device)

    def set_progress(self, step: int, minutes: float) -> None:
        self.step = step
        self._started = time.monotonic() - 60 * minutes

    @property
    def minutes(self) -> float:
        """The training time so far, including that of the processes before a resume."""
        return (time.monotonic() - self._started) / 60

    def train_step(self, batch: Batch) -> Tensor:
        """One step on a whole batch; returns its nats per picture, on the device.

        Each of several processes computes the gradients of its share. They are added up, so all make the same step.
        """
        options = self.options
        torch.manual_seed((options.seed * 1_000_003 + self.step) * options.world_size + options.rank)  # for dropout
        set_learning_rate(self.optimizers.values(), learning_rate(self.step, options, self.minutes))
        self.gradients.begin()
        nats = torch.stack([self.gradients.add(*piece) for piece in self._pieces(batch)]).sum()
        self.gradients.finish()
        if options.world_size > 1:
            nats = self._all_reduce(nats)
        norm = torch.nn.utils.clip_grad_norm_(self.trained, MAX_GRADIENT_NORM)
        finite = torch.stack([nats, norm.to(nats)]).isfinite()
        self.first_not_finite = torch.where(finite, self.first_not_finite, self.first_not_finite.clamp(max=self.step))
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.step += 1
        update_average(self.ema, self.model, options.ema_decay, self.step)
        return nats

    def _pieces(self, batch: Batch) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        """Levels, labels and hints of this process's share of a batch, in --accumulate pieces, on the device.

        Whether there are hints is decided for the whole batch: then the same parameters have a gradient in every process.
        """
        options = self.options

        def split(tensor: Tensor) -> list[Tensor]:
            pieces = tensor[options.rank :: options.world_size].chunk(options.accumulate)
            return [piece.to(options.device, non_blocking=True) for piece in pieces]

        hints = self.model.hints(batch.known)  # None for models that cannot use any
        hint_pieces = [None] * options.accumulate if hints is None else split(hints)
        return list(zip(split(batch.levels), split(batch.labels), hint_pieces, strict=True))

    def _all_reduce(self, nats: Tensor) -> Tensor:
        """Add up gradients and nats over all processes, in one exchange."""
        grads = [parameter.grad for parameter in self.trained if parameter.grad is not None]
        flat = torch.cat([nats.view(1), *(grad.flatten() for grad in grads)])
        torch.distributed.all_reduce(flat)
        parts = flat[1:].split([grad.numel() for grad in grads])
        for grad, part in zip(grads, parts, strict=True):
            grad.copy_(part.view_as(grad))
        return flat[0]

    def check_finite(self) -> None:
        """Raises TrainingError if the loss or a gradient of any step so far was not finite. Waits for the device."""
        loss_step, gradient_step = (int(step) for step in self.first_not_finite.tolist())
        if min(loss_step, gradient_step) < NEVER:
            what = "loss" if loss_step <= gradient_step else "gradient"
            raise self.not_finite(what, min(loss_step, gradient_step) + 1)

    def not_finite(self, what: str, step: int) -> TrainingError:
        return TrainingError(
            f"Training stopped: the {what} of step {step} is not finite. The last checkpoint and weights are kept. Start "
            f"again with a lower --lr than {self.options.lr:g}."
        )

    def initialize_from(self, path: Path) -> None:
        """Start with weights of another run, of as many channels or fewer. Raises TrainingError."""
        try:
            widen(load_file(path, fold_batch_norm=False).to(self.options.device), self.model)
        except WeightsError as error:
            raise TrainingError(str(error)) from None
        except ValueError as error:
            raise TrainingError(f"{path}: {error}") from None
        self.ema.load_state_dict(self.model.state_dict())

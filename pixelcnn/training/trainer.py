"""The trainer: a model, its moving average, its optimizers, and one training step."""

import time
from pathlib import Path

import torch
from torch import Tensor

from pixelcnn.data import Digits
from pixelcnn.errors import WeightsError
from pixelcnn.hub.files import load_file
from pixelcnn.models import build, config_of
from pixelcnn.training.batches import Batch, DevicePictures
from pixelcnn.training.distributed import synchronize_batch_norm
from pixelcnn.training.errors import TrainingError
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.net2net import widen
from pixelcnn.training.optimizer import average_weight, build_optimizers
from pixelcnn.training.options import Options, parse_config
from pixelcnn.training.schedule import learning_rate
from pixelcnn.training.step import NEVER, CapturedTrainingStep, Piece, Progress, TrainingStep


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
        self.optimizers = build_optimizers(
            self.model, options.optimizer, options.weight_decay, capturable=options.device == "cuda"
        )
        self.loss = TrainingLoss(self.model, torch.compile(self.model) if options.compile else self.model, options)
        self.set_progress(0, 0.0)

    def use_pictures(self, digits: Digits) -> None:
        """Put the pictures to train on on the device; needed before the first step."""
        options = self.options
        pictures = DevicePictures(digits, options.device)
        self.step_on_device = TrainingStep(self.loss, self.ema, [*self.optimizers.values()], pictures)
        capturable = options.device == "cuda" and options.world_size == 1
        self.run_step = CapturedTrainingStep(self.step_on_device) if capturable else self.step_on_device

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
        rate = learning_rate(self.step, options, self.minutes)
        progress = Progress(rate, average_weight(options.ema_decay, self.step + 1), self.step)
        nats = self.run_step(self._pieces(batch), progress)
        self.step += 1
        return nats

    def _pieces(self, batch: Batch) -> list[Piece]:
        """This process's share of a batch, in --accumulate pieces, on the device.

        Whether there are hints is decided for the whole batch: then the same parameters have a gradient in every process.
        """
        options = self.options

        def split(tensor: Tensor | None) -> list[Tensor | None]:
            if tensor is None:
                return [None] * options.accumulate
            pieces = tensor[options.rank :: options.world_size].chunk(options.accumulate)
            return [piece.to(options.device, non_blocking=True) for piece in pieces]

        hints = self.model.hints(batch.known)  # None for models that cannot use any
        parts = (batch.numbers, batch.offsets, batch.labels, hints, batch.uniform)
        return [Piece(*piece) for piece in zip(*map(split, parts), strict=True)]

    def check_finite(self) -> None:
        """Raises TrainingError if the loss or a gradient of any step so far was not finite. Waits for the device."""
        loss_step, gradient_step = (int(step) for step in self.step_on_device.first_not_finite.tolist())
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

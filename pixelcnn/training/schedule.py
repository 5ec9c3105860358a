"""The learning rate as a function of the step."""

from pixelcnn.training.options import Options

WARM_UP_STEPS = 200


def learning_rate(step: int, options: Options, minutes: float = 0) -> float:
    """Linear warm-up, then constant, then linear decay to 0 over the last `lr_decay_frac` of the run.

    minutes: the training time so far. With --minutes the rate reaches 0 after that time, or after the last step if that is
    earlier.
    """
    remaining = 1 - step / options.step_limit
    if options.minutes:
        remaining = max(0.0, min(remaining, 1 - minutes / options.minutes))
    decay = remaining / max(1 / options.step_limit, options.lr_decay_frac)
    return options.lr * min(1.0, (step + 1) / WARM_UP_STEPS, decay)

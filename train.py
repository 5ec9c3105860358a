"""Train a model: `python train.py MODEL --data DIR --out weights/MODEL.safetensors`.

DIR holds MNIST's files, or pictures of any kind; without it, MNIST comes from the Hub. On several GPUs, or processes:
`torchrun --nproc-per-node 2 -- train.py ...` or `accelerate launch train.py ...`.

Reads top to bottom: options, one step, evaluation, checkpoint, the loop. Batch order, shifts and dropout are functions
of (seed, step) alone, so a run that is killed and started again with the same command goes on exactly where its last
checkpoint was. Checkpoints are one safetensors file in --run (model, EMA, moments; the step in its metadata), replaced
whole or not at all; metrics.jsonl, curve.png and samples.png lie beside it.
"""

import argparse
import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from pixelcnn.canvas import contact_sheet
from pixelcnn.data import DATASETS, Digits, guess, load_digits
from pixelcnn.errors import WeightsError
from pixelcnn.evaluate import fits, mean_nats
from pixelcnn.growth import grow
from pixelcnn.hub import load_file, save_weights
from pixelcnn.masks import random_known
from pixelcnn.models import MODELS, build, config_of
from pixelcnn.replay import Replay
from pixelcnn.sampler import complete


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("model", choices=MODELS, help="the model's registry name")
    parser.add_argument(
        "--data", default=None, help="folder with MNIST's files or with pictures, or a Hub image data set, user/name"
    )
    parser.add_argument("--dataset", choices=DATASETS, default=None, help="how ink becomes levels; guessed if not given")
    parser.add_argument("--out", type=Path, required=True, help="where the weights (the EMA) go, a .safetensors file")
    parser.add_argument(
        "--run", type=Path, default=None, help="folder of the checkpoint and metrics; runs/NAME if not given"
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where there is one"
    )
    parser.add_argument(
        "--steps", type=int, default=None, help="batches in all; 24000 where neither they nor --minutes are given"
    )
    parser.add_argument(
        "--minutes", type=float, default=0, help="end after so long, all starts together, the descent following the clock"
    )
    parser.add_argument("--batch", type=int, default=32, help="pictures a batch, over all processes")
    parser.add_argument("--accumulate", type=int, default=1, help="pieces that a batch is worked through in")
    parser.add_argument("--compile", action="store_true", help="torch.compile the model; it pays on a GPU, in long runs")
    parser.add_argument("--lr", type=float, default=2e-3, help="learning rate between warm-up and the linear descent to 0")
    parser.add_argument("--descent", type=float, default=0.35, help="share of the steps over which it descends")
    parser.add_argument(
        "--init", type=Path, default=None, help="weights to begin with, of as many channels or fewer, a .safetensors file"
    )
    parser.add_argument("--decay", type=float, default=0.999, help="of the exponential moving average of the weights")
    parser.add_argument(
        "--weight-decay", type=float, default=1e-4, help="share of lr by which weights shrink a step, AdamW's; not biases"
    )
    parser.add_argument("--shift", type=int, default=0, help="move each picture by up to so many pixels")
    parser.add_argument(
        "--told", type=float, default=0.5, help="share of pictures of which some pixels are known, for models that can"
    )
    parser.add_argument(
        "--labelled", type=float, default=0.5, help="share of pictures whose digit is known, for models with digits"
    )
    parser.add_argument(
        "--tell-apart", type=float, default=0.0, help="weight of -ln p(digit | the first pixels), for models with digits"
    )
    parser.add_argument(
        "--tell-apart-share", type=float, default=1 / 16, help="share of pictures told apart, each by a pass a digit"
    )
    parser.add_argument(
        "--only",
        default="",
        help='train what has this in its name alone; "digit" with --labelled 1 --weight-decay 0 keeps what is said without',
    )
    parser.add_argument("--seed", type=int, default=0, help="of initial weights, batch order and shifts")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 lets torch choose")
    parser.add_argument(
        "--workers", type=int, default=0, help="processes that prepare batches, for a GPU that waits for them"
    )
    parser.add_argument("--every", type=int, default=1000, help="steps from checkpoint to checkpoint")
    parser.add_argument("--config", default="", help='changes to the model, e.g. "channels=32,blocks=8"')
    options = parser.parse_args(argv)
    if options.steps is None:
        options.steps = 10**9 if options.minutes else 24_000
    for name in ("steps", "batch", "every", "accumulate"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}; give at least 1")
    for name in ("shift", "seed", "threads", "minutes", "workers"):
        if getattr(options, name) < 0:
            parser.error(f"--{name} is {getattr(options, name)}; give 0 or more")
    if not 0 < options.tell_apart_share <= 1:
        parser.error(f"--tell-apart-share is {options.tell_apart_share}; give more than 0 and at most 1")
    if options.out.suffix != ".safetensors":
        parser.error(f"--out is {options.out}; give a file that ends in .safetensors")
    options.run = options.run or Path("runs") / options.out.stem
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device that this torch can use; give --device cpu or auto")
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    # What torchrun and `accelerate launch` tell each of several processes.
    options.rank, options.ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if options.minutes and options.ranks > 1:
        parser.error("--minutes is for one process, since clocks differ; give --steps")
    if options.batch % (options.ranks * options.accumulate):
        parser.error(f"--batch is {options.batch}; give a multiple of {options.ranks * options.accumulate}")
    return options


def config_from(text: str, model: str) -> dict:
    """The text of --config as keyword arguments, checked against the model's fields, which are all whole numbers."""
    known = [field.name for field in fields(MODELS[model][1])]
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    for name, _, value in pairs:
        if name not in known:
            raise SystemExit(f"{model} has no option {name!r}; it has {', '.join(known)}.")
        if not value.isdecimal():
            raise SystemExit(f"--config {name} is {value!r}; give a whole number.")
        if not int(value) and name not in ("classes", "dropout_percent"):
            raise SystemExit(f"--config {name} is 0; give at least 1.")
    return {name: int(value) for name, _, value in pairs}


def learning_rate(step: int, options: argparse.Namespace, minutes: float = 0) -> float:
    """Warm-up over 200 steps, then constant, then straight down to zero: the level part can be made longer later.

    With --minutes it is down when so many have passed, if not before.
    """
    left = 1 - step / options.steps
    if options.minutes:
        left = max(0.0, min(left, 1 - minutes / options.minutes))
    return options.lr * min(1.0, (step + 1) / 200, left / max(1 / options.steps, options.descent))


def batch_at(step: int, digits: Digits, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Levels (B, H, W) of the batch of this step, its digits (B,), or -1 where not known, and known (B, H, W).

    An epoch is a permutation drawn from (seed, epoch). A share of --labelled has its digit, one of --told some pixels.
    """
    per_epoch = len(digits) // options.batch
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([options.seed, epoch]).permutation(len(digits))
    index = order[place * options.batch : (place + 1) * options.batch]
    rng = np.random.default_rng([options.seed, epoch, place])
    levels = digits.batch(index, rng, options.shift)
    labels = np.where(rng.random(len(index)) < options.labelled, digits.labels[index].astype(np.int64), -1)
    known = np.zeros(levels.shape, bool)
    share = options.told if MODELS[options.model][0].takes_any_mask else 0
    for picture in np.flatnonzero(rng.random(len(index)) < share):
        known[picture] = random_known(rng, *levels.shape[1:])
    return tuple(torch.from_numpy(part) for part in (levels, labels, known))


@dataclass(frozen=True)
class Batches(Dataset):
    """The batch of every step, for `DataLoader`, which can have it made in other processes."""

    digits: Digits
    options: argparse.Namespace

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return batch_at(step, self.digits, self.options)


class Trainer:
    """Model, moving average and optimizer: what a checkpoint holds."""

    def __init__(self, options: argparse.Namespace):
        torch.manual_seed(options.seed)
        self.options = options
        self.model = build(options.model, **config_from(options.config, options.model)).to(options.device)
        self.ema = build(options.model, **config_of(self.model)).to(options.device).eval()
        self.ema.load_state_dict(self.model.state_dict())
        self.forward = torch.compile(self.model) if options.compile else self.model
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(options.only in name)
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not self.trained:
            some = next(iter(self.model.state_dict()))
            raise ValueError(
                f"--only is {options.only!r} and no weight of {options.model} has that in its name; give e.g. {some}."
            )
        weights = [parameter for parameter in self.trained if parameter.dim() > 1]
        others = [parameter for parameter in self.trained if parameter.dim() <= 1]
        groups = [{"params": weights, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
        on_cuda = options.device == "cuda"
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99), fused=on_cuda)
        self.replays: dict[tuple, Replay] | None = {} if on_cuda and not options.compile else None
        for parameter in () if self.replays is None else self.trained:
            parameter.grad = torch.zeros_like(parameter)  # what is recorded adds to the same gradients
        self.step, self.started = 0, time.time()

    @property
    def spent(self) -> float:
        """Minutes that it has been at it, before it was last started too."""
        return (time.time() - self.started) / 60

    def train_step(self, x: torch.Tensor, digits: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """One batch, levels (B, H, W), digits (B,), known (B, H, W): returns its nats per picture, on the device.

        Of several processes each takes its share and adds up the gradients, so that they all make the same step.
        """
        options = self.options
        torch.manual_seed((options.seed * 1_000_003 + self.step) * options.ranks + options.rank)  # dropout
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, options, self.spent)
        self.optimizer.zero_grad(set_to_none=self.replays is None)
        shares = [part[options.rank :: options.ranks].chunk(options.accumulate) for part in (x, digits, known)]
        nats = sum(self.piece(*piece, len(x)) for piece in zip(*shares, strict=True))
        if options.ranks > 1:
            nats = self.add_up(nats)
        torch.nn.utils.clip_grad_norm_(self.trained, 100.0)
        self.optimizer.step()
        self.step += 1
        decay = min(self.options.decay, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(decay)(list(self.ema.parameters()), list(self.model.parameters()), self.step)
        return nats

    def piece(self, x: torch.Tensor, digits: torch.Tensor, known: torch.Tensor, batch: int) -> torch.Tensor:
        """Gradients of one piece of a batch, added to what there is; returns its nats, over the batch, on the device."""
        told = self.model.told(known)  # None for models that cannot be told
        inputs = [x, digits] if told is None else [x, digits, told]
        inputs = [part.to(self.options.device, non_blocking=True) for part in inputs]

        def backward(x: torch.Tensor, digits: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
            return self.backward(x, digits, told, batch)

        if self.replays is None:
            return backward(*inputs)
        kind = (len(x), batch, told is None)
        if kind not in self.replays:
            before = [parameter.grad.clone() for parameter in self.trained]
            self.replays[kind] = Replay(backward, *inputs)
            for parameter, grad in zip(self.trained, before, strict=True):
                parameter.grad.copy_(grad)
        return self.replays[kind](*inputs).clone()

    def backward(self, x: torch.Tensor, digits: torch.Tensor, told: torch.Tensor | None, batch: int) -> torch.Tensor:
        """Gradients of one piece of a batch; returns its nats, over the batch. Of what is told, there are none."""
        with torch.autocast(x.device.type, torch.bfloat16):
            params = self.forward(x, digits, told)
        nats = -self.model.likelihood.log_prob(params.float(), x)
        nats = (nats if told is None else nats * ~told).sum() / batch
        loss = nats
        if self.options.tell_apart and self.model.classes:
            loss = nats + self.options.tell_apart * len(x) / batch * self.confusion(x, digits)
        if loss.requires_grad:  # with --only, not where nothing of it had a part
            loss.backward()
        return nats.detach()

    def confusion(self, x: torch.Tensor, digits: torch.Tensor) -> torch.Tensor:
        """-ln p(digit | the first n pixels) by Bayes, as `posterior.course` has it, the mean over all n, of a few pictures.

        Of a --tell-apart-share, those of known digit first, since each takes a pass with every digit. A digit is some two
        of a picture's sixty nats and more, so that without this it is learned late.
        """
        classes, pieces = self.model.classes, self.options.ranks * self.options.accumulate
        count = max(1, int(self.options.batch * self.options.tell_apart_share) // pieces)
        some = torch.argsort(digits < 0, stable=True)[:count]
        x, digits = x[some].repeat_interleave(classes, 0), digits[some]
        with torch.autocast(x.device.type, torch.bfloat16):
            params = self.forward(x, torch.arange(classes, device=x.device).repeat(len(digits)), None)
        so_far = self.model.likelihood.log_prob(params.float(), x).flatten(1).cumsum(1)  # (some * classes, H * W)
        right = digits[:, None].expand(-1, so_far.shape[1])
        lost = F.cross_entropy(so_far.view(len(digits), classes, -1), right, ignore_index=-1, reduction="sum")
        return lost / (right >= 0).sum().clamp(min=1)

    def add_up(self, nats: torch.Tensor) -> torch.Tensor:
        """Gradients and nats of all processes, in one exchange."""
        for parameter in self.trained:
            if parameter.grad is None:  # not needed for the pictures of this process
                parameter.grad = torch.zeros_like(parameter)
        grads = [parameter.grad for parameter in self.trained]
        everything = torch.cat([nats.view(1), *(grad.flatten() for grad in grads)])
        torch.distributed.all_reduce(everything)
        pieces = everything[1:].split([grad.numel() for grad in grads])
        for grad, piece in zip(grads, pieces, strict=True):
            grad.copy_(piece.view_as(grad))
        return everything[0]

    def save(self) -> None:
        """Replace the checkpoint, whole or not at all."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"ema.{name}": value for name, value in self.ema.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            moments = self.optimizer.state.get(parameter, {})  # none for what never had a gradient
            tensors |= {f"adam.{key}.{name}": value for key, value in moments.items()}
        facts = self.identity() | {"step": self.step, "minutes": self.spent}
        path = self.options.run / "checkpoint.safetensors"
        beside = path.with_suffix(".part")
        tensors = {name: value.detach().contiguous() for name, value in tensors.items()}
        save_file(tensors, beside, {"checkpoint": json.dumps(facts)})
        os.replace(beside, path)

    def identity(self) -> dict:
        """What must be the same for a run to go on.

        Steps, learning rate and descent may change on the way; who changes --weight-decay, --told, --labelled,
        --tell-apart, its share, --decay, --accumulate or the number of processes goes on too, but not exactly as the run
        would have gone.
        """
        options = self.options
        facts = {"model": options.model, "config": config_of(self.model), "dataset": options.dataset, "only": options.only}
        return facts | {"batch": options.batch, "shift": options.shift, "seed": options.seed}

    def begin_with(self, path: Path) -> None:
        """Weights of another run, as wide or narrower; a checkpoint of this run, if there is one, comes before them."""
        try:
            first = load_file(path).to(self.options.device)
        except WeightsError as error:
            raise SystemExit(str(error)) from None
        try:
            grow(first, self.model)
        except ValueError as error:
            raise SystemExit(f"{path}: {error}") from None
        self.ema.load_state_dict(self.model.state_dict())

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self.options.run / "checkpoint.safetensors"
        if not path.exists():
            return
        try:
            with safe_open(path, "pt") as file:
                facts = json.loads(file.metadata()["checkpoint"])
                parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (SafetensorError, TypeError, KeyError, ValueError):
            raise SystemExit(f"{path} is not a whole checkpoint; move it away to begin anew.") from None
        for name, value in self.identity().items():
            had = facts.get(name, "")  # older checkpoints do not say --only, which they had not
            if had != value:
                raise SystemExit(f"{path} has {name} {had}, not {value}; give the same again or another --run.")
        self.step, self.started = facts["step"], time.time() - 60 * facts.get("minutes", 0)
        self.model.load_state_dict(part_of(parts, "model."))
        self.ema.load_state_dict(part_of(parts, "ema."))
        steps_on = self.options.device  # as AdamW has it when fused, and on a CPU there is no other place
        for name, parameter in self.model.named_parameters():
            if f"adam.exp_avg.{name}" in parts:
                self.optimizer.state[parameter] = {
                    # Checkpoints of older runs have not the step, which differs only where gradients were missing.
                    "step": parts.get(f"adam.step.{name}", torch.tensor(float(self.step))).to(steps_on),
                    "exp_avg": parts[f"adam.exp_avg.{name}"].to(parameter.device),
                    "exp_avg_sq": parts[f"adam.exp_avg_sq.{name}"].to(parameter.device),
                }


def part_of(tensors: dict, prefix: str) -> dict:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def log(options: argparse.Namespace, **facts) -> None:
    with (options.run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(facts) + "\n")


def train(trainer: Trainer, digits: Digits, valid: Digits) -> None:
    """The loop: steps, and at every checkpoint the nats of the moving average on 2 000 validation digits."""
    options = trainer.options
    some = np.random.default_rng(0).permutation(len(valid))[:2000]
    progress = tqdm(
        total=options.steps,
        initial=trainer.step,
        unit="step",
        smoothing=0.05,
        mininterval=1.0,
        disable=options.rank > 0,
    )
    batches = DataLoader(
        Batches(digits, options),
        batch_size=None,
        sampler=range(trainer.step, options.steps),
        num_workers=options.workers,
        pin_memory=options.device == "cuda",
    )
    recent = []
    for batch in batches:
        recent.append(trainer.train_step(*batch))
        progress.update()
        if trainer.step % 20 == 0:
            speed = (progress.format_dict["rate"] or 0) * options.batch
            progress.set_postfix_str(f"{torch.stack(recent[-200:]).mean():.2f} nats, {speed:.0f} images/s")
        over = trainer.step >= options.steps or 0 < options.minutes <= trainer.spent
        if not over and trainer.step % options.every:
            continue
        if options.rank == 0:
            nats = mean_nats(trainer.ema, valid, some)
            facts = {"step": trainer.step, "train_nats": round(torch.stack(recent).mean().item(), 3)}
            facts |= {"valid_nats": round(nats, 3)}
            trainer.save()
            rate = learning_rate(trainer.step, options, trainer.spent)
            log(options, **facts, lr=rate, seconds=round(60 * trainer.spent, 1))
            tqdm.write(json.dumps(facts))
        recent = []
        if over:
            break
    progress.close()


def curve(metrics: Path, path: Path) -> None:
    """The nats of training and validation over the steps, as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    points = [json.loads(line) for line in metrics.read_text().splitlines()]
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name in ("train_nats", "valid_nats"):
        axes.plot([point["step"] for point in points], [point[name] for point in points], label=name.split("_")[0])
    last = points[-1]["valid_nats"]
    axes.set(xlabel="step", ylabel="nats a picture", ylim=(0.97 * last, max(1.15 * last, points[0]["valid_nats"] / 2)))
    axes.legend()
    figure.savefig(path)
    pyplot.close(figure)


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.ranks > 1:
        torch.distributed.init_process_group("nccl" if options.device == "cuda" else "gloo")
        if options.device == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    try:
        trainer = Trainer(options)
        config, levels = trainer.model.config, trainer.model.likelihood.levels
        options.dataset = options.dataset or guess(options.data, levels)
        digits, valid = (
            load_digits(options.dataset, options.data, split, (config.height, config.width)) for split in ("train", "valid")
        )
        fits(trainer.model, digits)
        for folder in (options.run, options.out.parent):
            folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    if options.batch > len(digits):
        raise SystemExit(f"--batch is {options.batch} and there are {len(digits)} pictures; give at most that.")
    if options.init:
        trainer.begin_with(options.init)
    trainer.resume()
    count = sum(parameter.numel() for parameter in trainer.model.parameters())
    print(f"{options.model}: {count} parameters, {asdict(trainer.model.config)}, on {options.device}, {len(digits)} digits")
    train(trainer, digits, valid)
    if options.ranks > 1:
        torch.distributed.destroy_process_group()
    if options.rank > 0:
        return
    nats = mean_nats(trainer.ema, valid)
    print(f"{nats:.3f} nats on all {len(valid)} validation digits of {options.dataset}")
    save_weights(trainer.ema, options.out, dataset=options.dataset, commit=commit())
    trace = complete(trainer.ema, samples=64, seed=options.seed)
    contact_sheet(trace.images, trace.levels).save(options.run / "samples.png")
    curve(options.run / "metrics.jsonl", options.run / "curve.png")
    print(f"wrote {options.out}, and samples.png and curve.png in {options.run}")


def commit() -> str:
    """The commit that is checked out, or "" outside a repository."""
    run = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    return run.stdout.strip() if run.returncode == 0 else ""


if __name__ == "__main__":
    main()

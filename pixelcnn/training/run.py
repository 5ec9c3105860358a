"""A whole run: from options to weights, with all checks before the first step, checkpoints, metrics and pictures."""

import json
import logging
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pixelcnn.atomic import delete_temporaries, write_atomically
from pixelcnn.data import concatenate, guess_dataset, load_splits
from pixelcnn.evaluate import check_compatible, mean_nats, random_subset
from pixelcnn.hub.files import save_weights
from pixelcnn.memory import keep_freed_memory
from pixelcnn.models import config_of
from pixelcnn.training.batches import batches_from
from pixelcnn.training.checkpoint import checkpoint_tensors, identity, resume, save_checkpoint
from pixelcnn.training.errors import TrainingError, writing
from pixelcnn.training.options import Options
from pixelcnn.training.report import Metrics, plot_curve, progress_bar, save_samples, save_sheet
from pixelcnn.training.schedule import learning_rate
from pixelcnn.training.trainer import Trainer

REPORT_EVERY = 20  # steps between updates of the progress bar; also between checks for numbers that are not finite
REPORT_STEPS = 200  # steps that the nats in the progress bar are the mean of
VALIDATION_PICTURES = 2000  # for the nats at a checkpoint
SHEET_PICTURES = 256  # that --dry-run shows at most


def train(options: Options) -> None:
    """Train, or resume, and write the weights; with --dry-run, only show the pictures. Raises TrainingError."""
    if options.threads:
        torch.set_num_threads(options.threads)
    keep_freed_memory()
    if not options.is_main:
        logging.getLogger("pixelcnn").setLevel(logging.ERROR)  # one process warns for all
    if options.world_size > 1:
        torch.distributed.init_process_group("nccl" if options.device == "cuda" else "gloo")
        if options.device == "cuda":
            torch.cuda.set_device(options.local_rank)
    try:
        try:
            run = Run(options)
            if not options.dry_run:
                run.start()
        except (ValueError, OSError) as error:
            raise TrainingError(str(error)) from error
        if options.dry_run:
            if options.is_main:
                run.show_pictures()
            return
        run.train()
        if options.is_main:
            run.finish()
    finally:
        if options.world_size > 1:
            torch.distributed.destroy_process_group()


class Run:
    """Data, trainer and metrics of a run."""

    def __init__(self, options: Options):
        """The data and a new model. Raises ValueError, OSError or TrainingError for what cannot be used."""
        self.options = options
        if options.is_main:
            prepare_folders(options.out, options.run_folder, options.dry_run)
        self.trainer = Trainer(options)
        config, levels = self.trainer.model.config, self.trainer.model.distribution.levels
        dataset = options.dataset or guess_dataset(options.data, levels)
        size = (config.height, config.width)
        self.digits, self.valid = load_splits(dataset, options.data, ("train", "valid"), size)
        check_compatible(self.trainer.model, self.digits)

    def start(self) -> None:
        """Initial weights or the checkpoint, with every check that needs no training step. Raises like the constructor."""
        options = self.options
        if options.batch > len(self.digits):
            raise ValueError(f"--batch is {options.batch} and there are {len(self.digits)} pictures; give at most that.")
        if options.init:
            self.trainer.initialize_from(options.init)
        self.trainer.use_pictures(self.digits)
        self.facts = identity(options, config_of(self.trainer.model), self.digits)
        resume(self.trainer, self.facts)
        self.metrics = Metrics(options.run_folder / "metrics.jsonl", self.trainer.step)

    def show_pictures(self) -> None:
        """Print how many pictures there are, and write pictures.png."""
        path = self.options.run_folder / "pictures.png"
        digits = concatenate([self.digits, self.valid], self.digits.dataset)
        index = random_subset(len(digits), min(len(digits), SHEET_PICTURES))
        save_sheet(digits.batch(index, np.random.default_rng(0)), digits.levels, path)
        counts = zip(*np.unique(digits.labels, return_counts=True), strict=True)
        labels = [f"{count} labelled {label}" if label >= 0 else f"{count} without a label" for label, count in counts]
        print(f"{len(self.digits)} pictures for training and {len(self.valid)} for validation: {', '.join(labels)}")
        print(f"wrote {path} with {len(index)} of them as the model gets them; nothing was trained")

    def train(self) -> None:
        """All steps, with a checkpoint after every --checkpoint-every of them and after the last."""
        options, trainer = self.options, self.trainer
        if options.is_main:
            count = sum(parameter.numel() for parameter in trainer.model.parameters())
            size = f"{count} parameters, {asdict(trainer.model.config)}"
            print(f"{options.model}: {size}, on {options.device}, {len(self.digits)} pictures")
        recent: list[Tensor] = []  # nats of the steps since the last checkpoint
        with progress_bar(options, trainer.step) as progress:
            for batch in batches_from(trainer.step, self.digits, options):
                recent.append(trainer.train_step(batch))
                progress.update()
                if trainer.step % REPORT_EVERY == 0:
                    trainer.check_finite()
                    progress.set_postfix_str(self.status(recent, progress))
                is_last = trainer.step >= options.step_limit or 0 < options.minutes <= trainer.minutes
                if is_last or trainer.step % options.checkpoint_every == 0:
                    trainer.check_finite()
                    if options.is_main:
                        self.checkpoint(recent)
                    recent = []
                if is_last:
                    break

    def status(self, recent: list[Tensor], progress: tqdm) -> str:
        speed = (progress.format_dict["rate"] or 0) * self.options.batch
        nats = torch.stack(recent[-REPORT_STEPS:]).mean()
        clock = f", {self.trainer.minutes:.1f} of {self.options.minutes:g} min" if self.options.minutes else ""
        return f"{nats:.2f} nats, {speed:.0f} images/s{clock}"

    def checkpoint(self, recent: list[Tensor]) -> None:
        """Log the nats and replace the checkpoint. Raises TrainingError for numbers that are not finite."""
        trainer, options = self.trainer, self.options
        tensors = checkpoint_tensors(trainer)
        sample = np.random.default_rng(0).permutation(len(self.valid))[:VALIDATION_PICTURES]
        valid_nats = mean_nats(trainer.ema, self.valid, sample)
        if not np.isfinite(valid_nats):
            raise trainer.not_finite("validation nats", trainer.step)
        nats = {"train_nats": round(torch.stack(recent).mean().item(), 3), "valid_nats": round(valid_nats, 3)}
        rate = learning_rate(trainer.step, options, trainer.minutes)
        # Metrics first: a resumed run drops lines after its checkpoint, but could not add those that are missing.
        self.metrics.append(step=trainer.step, **nats, lr=rate, seconds=round(60 * trainer.minutes, 1))
        save_checkpoint(trainer, tensors, self.facts)
        tqdm.write(json.dumps({"step": trainer.step, **nats}))

    def finish(self) -> None:
        """Write the weights, samples.png and curve.png."""
        options, model = self.options, self.trainer.ema
        nats = mean_nats(model, self.valid)
        print(f"{nats:.3f} nats on all {len(self.valid)} validation pictures of {self.digits.dataset}")
        with writing(options.out):
            save_weights(model, options.out, dataset=self.digits.dataset, commit=checked_out_commit())
        save_samples(model, options.run_folder / "samples.png", options.seed)
        written = "samples.png"
        if self.metrics.points:
            plot_curve(self.metrics.points, options.run_folder / "curve.png")
            written += " and curve.png"
        print(f"wrote {options.out}, and {written} in {options.run_folder}")


def prepare_folders(out: Path, run_folder: Path, dry_run: bool = False) -> None:
    """Create the folders of a run and of its weights, delete temporary files of killed runs, and write a file to each.

    dry_run: delete nothing, because it may look at the pictures of a run in progress.
    Raises TrainingError if that is not possible.
    """
    if out.is_dir():
        raise TrainingError(f"--out is {out}, which is a folder; give a file.")
    for folder, name in ((run_folder, "*"), (out.parent, out.name)):
        test = folder / ".write-test"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not dry_run:
                delete_temporaries(folder, name)
            write_atomically(test, lambda temporary: temporary.write_bytes(bytes(4096)))
            test.unlink(missing_ok=True)  # two runs may write to one folder


def checked_out_commit() -> str:
    """The commit of the repository that holds this file, or "" outside a repository."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    except OSError:
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""

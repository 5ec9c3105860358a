"""Train a model: `python train.py MODEL --data DIR --out weights/MODEL.safetensors`.

DIR holds MNIST's files, or pictures of any kind; without --data, MNIST comes from the Hub. On several GPUs or in several
processes: `torchrun --nproc-per-node 2 -- train.py ...` or `accelerate launch train.py ...`.

A run that was killed resumes from its last checkpoint if it is started again with the same command, and ends with the same
weights: batch order, shifts and dropout are functions of --seed and the step. The folder --run holds the checkpoint,
metrics.jsonl, curve.png and samples.png. See pixelcnn/training.
"""

import argparse
from pathlib import Path

from pixelcnn.data import DATASETS
from pixelcnn.models import MODELS
from pixelcnn.training import Options, TrainingError, train
from pixelcnn.training.options import defaults

RENAMED = {
    "--told": "--hint-prob",
    "--labelled": "--label-prob",
    "--descent": "--lr-decay-frac",
    "--decay": "--ema-decay",
    "--tell-apart": "--class-loss-weight",
    "--tell-apart-share": "--class-loss-frac",
    "--every": "--checkpoint-every",
}


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of options that have one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default is not False and action.default not in (None, "")
        return super()._get_help_string(action) if has_default else action.help


class RenamedFlag(argparse.Action):
    """Ends the program with a sentence that names the new flag."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        name = RENAMED[self.option_strings[0]]
        parser.error(f"{self.option_strings[0]} is now called {name}; give {name} {values or 'VALUE'}.")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=HelpFormatter)
    add_data_and_files(parser)
    add_length_and_batches(parser)
    add_optimization(parser)
    add_machine(parser)
    for old in RENAMED:
        parser.add_argument(old, action=RenamedFlag, nargs="?", dest="renamed", help=argparse.SUPPRESS)
    parser.set_defaults(**defaults())
    return parser


def add_data_and_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("model, data and files").add_argument
    add("model", choices=MODELS, help="the model's registry name")
    add("--config", help='changes to the model\'s config, e.g. "channels=32,blocks=8"')
    add("--data", help="folder with MNIST's files or with pictures, or a Hub image data set, user/name")
    add("--dataset", choices=DATASETS, help="how ink becomes levels; guessed from the files if not given")
    add("--out", type=Path, required=True, help="the weights file to write (the moving average), .safetensors")
    add("--run", type=Path, help="folder of the checkpoint and metrics; runs/NAME if not given")
    add("--init", type=Path, help="weights to start from, of as many channels or fewer, a .safetensors file")
    add("--dry-run", action="store_true", help="train nothing: read the pictures and write them to pictures.png in --run")
    add(
        "--only",
        help="train only parameters with this text in their names, or one of several, separated by commas; "
        '"digit" with --label-prob 1 --weight-decay 0 '
        "leaves unconditional probabilities unchanged",
    )


def add_length_and_batches(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("length and batches").add_argument
    add("--steps", type=int, help="number of batches; 24000 if neither this nor --minutes is given")
    add("--minutes", type=float, help="end after this training time, resumed time included; the learning rate follows it")
    add("--checkpoint-every", type=int, help="steps between checkpoints")
    add("--batch", type=int, help="pictures in a batch, over all processes")
    add("--accumulate", type=int, help="pieces that a batch is processed in, to save memory")
    add("--shift", type=int, help="move each picture by up to this many pixels")
    add("--hint-prob", type=float, help="probability that pixels of a picture are known, for models that accept any mask")
    add("--label-prob", type=float, help="probability that the class of a picture is given, for models with classes")
    add("--seed", type=int, help="of initial weights, batch order, shifts and dropout")


def add_optimization(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("optimization").add_argument
    add("--optimizer", choices=("adamw", "muon"), help="muon applies to hidden matrices, AdamW to all other parameters")
    add("--lr", type=float, help="learning rate between the warm-up and the linear decay to 0")
    add("--lr-decay-frac", type=float, help="fraction of the run over which the learning rate decays")
    add("--weight-decay", type=float, help="weights, not biases, shrink by this times the learning rate in a step")
    add("--ema-decay", type=float, help="decay of the exponential moving average of the weights")
    add("--class-loss-weight", type=float, help="weight of -ln p(class | the first pixels), for models with classes")
    add("--class-loss-frac", type=float, help="fraction of the pictures with a class loss, which takes a pass per class")


def add_machine(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("machine").add_argument
    add("--device", choices=("auto", "cpu", "cuda"), help="auto uses CUDA if available")
    add("--compile", action="store_true", help="torch.compile the model; useful on a GPU in long runs")
    add(
        "--threads",
        type=int,
        help="CPU threads of a process, 0 to let torch choose; two processes with several "
        "threads each are many times slower than with one",
    )
    add("--workers", type=int, help="processes that prepare batches, for a GPU that waits for them")


def parse(argv: list[str] | None = None) -> Options:
    parser = build_parser()
    given = vars(parser.parse_args(argv))
    del given["renamed"]
    try:
        return Options(**given)
    except ValueError as error:
        parser.error(str(error))


def main(argv: list[str] | None = None) -> None:
    try:
        train(parse(argv))
    except TrainingError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()

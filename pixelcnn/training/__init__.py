"""Training: see `train` in run.py, and `python train.py --help`."""

from pixelcnn.training.errors import TrainingError
from pixelcnn.training.options import Options
from pixelcnn.training.run import train

__all__ = ["Options", "TrainingError", "train"]

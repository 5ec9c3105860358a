"""Data sets: MNIST in several binarizations, pen trajectories, and pictures of any kind."""

from pixelcnn.data.dataset import DATASETS, SPLITS, Digits, guess_dataset, load_digits

__all__ = ["DATASETS", "SPLITS", "Digits", "guess_dataset", "load_digits"]

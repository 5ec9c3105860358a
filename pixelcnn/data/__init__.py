"""Data sets: MNIST in several binarizations, pen trajectories, and pictures of any kind."""

from pixelcnn.data.dataset import DATASETS, SPLITS, Digits, concatenate, guess_dataset, load_digits, load_splits

__all__ = ["DATASETS", "SPLITS", "Digits", "concatenate", "guess_dataset", "load_digits", "load_splits"]

"""Weights: a folder with a manifest, single files, and repositories of the Hugging Face Hub."""

from pixelcnn.hub.files import facts_of, load, load_entry, load_file, save_weights
from pixelcnn.hub.manifest import WEIGHTS, read_manifest, sha256

__all__ = ["WEIGHTS", "facts_of", "load", "load_entry", "load_file", "read_manifest", "save_weights", "sha256"]

"""A folder of weights with a manifest, small enough to be written and changed by a test."""

import json
from pathlib import Path

from conftest import tiny_model

from pixelcnn.hub import facts_of, read_manifest, save_weights, sha256


def create_folder(folder: Path) -> Path:
    """A folder with one entry, "tiny": a pixelcnn for pictures of 5 x 6 pixels."""
    model, path = tiny_model("pixelcnn", 5, 6).float(), folder / "tiny.safetensors"
    save_weights(model, path, dataset="mnist-threshold")
    entry = {"model": "pixelcnn", "file": path.name, "sha256": sha256(path), "page": True, "repo": None, "revision": None}
    write_manifest(folder, {"default": "tiny", "entries": {"tiny": entry | facts_of(model)}})
    return folder


def write_manifest(folder: Path, manifest: dict) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest))


def change_entry(folder: Path, **fields: object) -> None:
    """Set fields of the entry "tiny"."""
    manifest = read_manifest(folder)
    manifest["entries"]["tiny"] |= fields
    write_manifest(folder, manifest)


def add_entry(folder: Path, name: str, **fields: object) -> None:
    """Add an entry that is like "tiny" except for these fields."""
    manifest = read_manifest(folder)
    manifest["entries"][name] = manifest["entries"]["tiny"] | fields
    write_manifest(folder, manifest)


def remove_facts(folder: Path, name: str) -> None:
    """Make an entry one of an older version, which states no facts."""
    manifest = read_manifest(folder)
    for fact in ("levels", "classes", "height", "width", "any_mask"):
        manifest["entries"][name].pop(fact, None)
    write_manifest(folder, manifest)

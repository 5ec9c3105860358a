"""Publish the weights as a repository of the Hugging Face Hub, and name that repository in the manifest and the README."""

import io
import json
import re
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

from pixelcnn.atomic import write_atomically
from pixelcnn.errors import WeightsError
from pixelcnn.hub.files import check_bundled, facts_of, load_entry
from pixelcnn.hub.hub_errors import http_status
from pixelcnn.hub.manifest import WEIGHTS, Manifest, checked_entry, is_exhibit, read_manifest
from pixelcnn.hub.model_card import model_card
from pixelcnn.images import contact_sheet
from pixelcnn.sampling.sampler import complete

REQUIRED_FIELDS = {"dataset", "split", "licence"}  # that the model card needs


def repo_contents(repo: str, folder: Path = WEIGHTS) -> dict[str, bytes]:
    """All files of the repository by name: weights, manifest, model card and samples of the default entry.

    Raises WeightsError if an entry lacks a field or its file is not the one that the manifest lists.
    """
    manifest = read_manifest(folder)
    contents = {}
    for name in manifest["entries"]:
        entry = checked_entry(manifest, name)
        if missing := REQUIRED_FIELDS - set(entry):
            raise WeightsError(
                "entry_incomplete",
                "The entry {entry} of the manifest lacks {fields}. Add them before you push.",
                entry=name,
                fields=", ".join(sorted(missing)),
            )
        path = folder / entry["file"]
        check_bundled(path, entry)
        contents[entry["file"]] = path.read_bytes()
        entry["repo"] = entry["revision"] = None  # within the repository, it is this one at this commit
    result = complete(load_entry(manifest["default"], folder), samples=16, seed=1)
    sheet = io.BytesIO()
    contact_sheet(result.images, result.levels).save(sheet, "PNG")
    contents["samples.png"] = sheet.getvalue()
    contents["manifest.json"] = to_json(manifest).encode()
    contents["README.md"] = model_card(manifest, repo).encode()
    return contents


def push(repo: str, folder: Path = WEIGHTS) -> str:
    """Create the repository if necessary, push, and name it in the manifest; returns the commit, 40 hex digits.

    Raises WeightsError, before anything changes here, if the Hub does not accept the files.
    """
    api, contents = HfApi(), repo_contents(repo, folder)
    try:
        api.create_repo(repo, exist_ok=True)
        operations = [CommitOperationAdd(name, content) for name, content in contents.items()]
        pushed = api.create_commit(repo, operations, commit_message="Push weights, manifest, model card and samples")
    except Exception as error:  # the exceptions of the Hub, the network and HTTP libraries have no common base
        raise push_error(repo, error) from error
    manifest = read_manifest(folder)
    for entry in manifest["entries"].values():
        entry["repo"], entry["revision"] = repo, pushed.oid
    _write_text(folder / "manifest.json", to_json(manifest))
    readme = folder.parent / "README.md"
    if readme.exists():
        files = ",".join(entry["file"] for entry in manifest["entries"].values() if entry["page"])
        text = with_repo(readme.read_text("utf-8"), repo, f"{repo} {files} {pushed.oid}")
        _write_text(readme, text)
    return pushed.oid


def push_error(repo: str, error: Exception) -> WeightsError:
    """The error for an exception during a push."""
    status = http_status(error)
    if status in (401, 403):
        return WeightsError(
            "push_forbidden",
            "The Hub does not allow this user to write to {repo} (status {status}). Log in with `hf auth login` and a "
            "token that can write.",
            repo=repo,
            status=status,
        )
    return WeightsError(
        "push_failed",
        "The weights could not be pushed to {repo} ({reason}). Nothing has changed here; try again.",
        repo=repo,
        reason=(str(error).splitlines() or [type(error).__name__])[0],
    )


def write_facts(folder: Path = WEIGHTS) -> None:
    """Bring the facts of all models in the manifest up to date. Raises WeightsError if one cannot be loaded."""
    manifest = read_manifest(folder)
    for name, entry in manifest["entries"].items():
        if not is_exhibit(entry):
            entry.update(facts_of(load_entry(name, folder)))
    _write_text(folder / "manifest.json", to_json(manifest))


def with_repo(readme: str, repo: str, preload: str) -> str:
    """A README whose front matter names the repository that a Space uses, and the files to preload at build time."""
    if not readme.startswith("---\n") or readme.count("---\n") < 2:
        return readme
    _, front, rest = readme.split("---\n", 2)
    front = re.sub(r"(?m)^(models|preload_from_hub):\n(  - .*\n)*", "", front)
    return f"---\n{front}models:\n  - {repo}\npreload_from_hub:\n  - {preload}\n---\n{rest}"


def to_json(manifest: Manifest) -> str:
    return json.dumps(manifest, indent=2) + "\n"


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda temporary: temporary.write_text(text, "utf-8"))

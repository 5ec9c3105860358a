"""Weights: one safetensors file each, listed in weights/manifest.json; bundled first, then the cache, then the Hub.

A file's metadata holds model, config and data set, so it rebuilds its own model; loading is strict, and a pickle is
never read. `python -m pixelcnn.hub push` takes them to the Hub. Knows nothing of pages.
"""

import argparse
import hashlib
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from pixelcnn.canvas import contact_sheet
from pixelcnn.errors import WeightsError
from pixelcnn.models import build, config_of
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.patience import within
from pixelcnn.sampler import complete

WEIGHTS = Path(__file__).parent.parent / "weights"
HUB_DEADLINE_S = 10.0  # for one file; the Hub's own timeouts retry for minutes on a silent network
REPO_DEADLINE_S = 60.0  # for all of a repository, which nobody waits for
INSTEAD = "try again later, or give --weights FILE"
REPO = r"\w[\w.-]*/\w[\w.-]*"


def manifest(folder: Path = WEIGHTS) -> dict:
    """The list of all weights. Raises WeightsError where it cannot be read."""
    path = folder / "manifest.json"
    try:
        listed = json.loads(path.read_text())
        whole = listed["default"] in listed["entries"] and all(
            {"model", "file", "sha256", "page", "repo", "revision"} <= set(entry) for entry in listed["entries"].values()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{path} cannot be read ({type(error).__name__}); check it out again.") from None
    if not whole:
        raise WeightsError(f"{path} lacks its default or fields of an entry; check it out again.")
    return listed


def load(entry_or_path: str = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model in eval mode on the CPU: an entry of the manifest ("" for its default) or a .safetensors file.

    Raises WeightsError, one sentence, for whatever cannot be loaded.
    """
    if str(entry_or_path).endswith(".safetensors"):
        return load_file(Path(entry_or_path))
    return load_entry(entry_or_path, folder)


def load_entry(name: str = "", folder: Path = WEIGHTS) -> AutoregressiveModel:
    """A model by its name in the manifest; the name never becomes part of a path."""
    listed = manifest(folder)
    name = name or listed["default"]
    if not isinstance(name, str) or name not in listed["entries"]:
        given = repr(name[:40]) if isinstance(name, str) else f"of type {type(name).__name__}"
        raise WeightsError(f"There is no model {given}; choose one of {', '.join(listed['entries'])}.")
    entry = listed["entries"][name]
    bundled = folder / entry["file"]
    if bundled.exists() and sha256(bundled) == entry["sha256"]:
        return load_file(bundled)
    if not entry["repo"]:
        state = "is damaged (its sha256 is not the manifest's)" if bundled.exists() else "is missing"
        raise WeightsError(f"{bundled} {state} and no Hub repository is known for it; check it out again.")
    pulled = pull(entry)
    if sha256(pulled) != entry["sha256"]:
        raise WeightsError(f"{name} from {entry['repo']} is not the file of the manifest; check the revision there.")
    return load_file(pulled)


def pull(entry: dict) -> Path:
    """The file of an entry from the local cache of its pinned revision, else from the Hub within the deadline."""
    repo = entry["repo"]

    def work() -> Path:
        return fetch(repo, entry["file"], entry["revision"])

    return within(HUB_DEADLINE_S, work, f"{entry['file']} of {repo}", INSTEAD, WeightsError)


def fetch(repo: str, file: str, revision: str | None) -> Path:
    """One file of a Hub repository: from the cache where a full commit is asked for and it is there, else by request."""
    from huggingface_hub import hf_hub_download  # half a second to import, and bundled weights do without
    from huggingface_hub.errors import LocalEntryNotFoundError

    what = {"repo_id": repo, "filename": file, "revision": revision}
    if revision and re.fullmatch("[0-9a-f]{40}", revision):
        try:
            return Path(hf_hub_download(**what, local_files_only=True))
        except LocalEntryNotFoundError:
            pass
    return Path(hf_hub_download(**what))


@dataclass(frozen=True)
class Pulled:
    """The weights that a Hub repository shows, all from one commit, whole and checked against its manifest."""

    repo: str
    revision: str  # 40 hex
    manifest: dict
    files: dict[str, Path]  # by entry, those for the page


def pull_all(where: str, deadline_s: float = REPO_DEADLINE_S) -> Pulled:
    """All weights for the page from `user/name` or `user/name@revision`. Raises WeightsError, one sentence."""
    repo, _, revision = where.partition("@")
    if not re.fullmatch(REPO, repo):
        raise WeightsError(f"{where!r} is no Hub repository; give user/name or user/name@revision.")

    def work() -> Pulled:
        listed_at = fetch(repo, "manifest.json", revision or None)
        commit = listed_at.parent.name  # the cache keeps a folder a commit; the rest comes from the same
        listed = manifest(listed_at.parent)
        files = {}
        for name, entry in listed["entries"].items():
            if not (isinstance(entry["file"], str) and re.fullmatch(r"[\w-]+\.safetensors", entry["file"])):
                raise WeightsError(f"{repo} lists {entry['file']!r}; only safetensors files are read.")
            if entry["page"] or name == listed["default"]:
                files[name] = fetch(repo, entry["file"], commit)
                if sha256(files[name]) != entry["sha256"]:
                    raise WeightsError(f"{entry['file']} of {repo} is not the file of its manifest; push it again.")
        return Pulled(repo, commit, listed, files)

    return within(deadline_s, work, f"The weights of {repo}", INSTEAD, WeightsError)


def load_file(path: Path) -> AutoregressiveModel:
    """A model from its file, strictly: what the metadata says is what is in it."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["pixelcnn"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError:
        raise WeightsError(f"There are no weights at {path}; give an entry of the manifest or an existing file.") from None
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole file of pixelcnn weights ({error}); copy it again.") from None
    try:
        model = build(facts["model"], **facts["config"])
        model.load_state_dict(tensors, strict=True)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not fit the model that it names ({reason}); train or copy it again.") from None
    model.entry = path.stem
    return model.eval()


def skeleton(path: Path) -> AutoregressiveModel:
    """The model that a file would rebuild, without reading its numbers: to ask what it can do.

    Raises WeightsError where the file is not one of weights.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["pixelcnn"])
        return build(facts["model"], **facts["config"])
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole file of pixelcnn weights ({error}); copy it again.") from None


def save_weights(model: AutoregressiveModel, path: Path, *, dataset: str, commit: str = "") -> None:
    """Write a file that rebuilds its own model, whole or not at all."""
    facts = {"model": model.name, "config": config_of(model), "dataset": dataset, "commit": commit}
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    beside = path.with_suffix(".part")
    save_file(tensors, beside, {"pixelcnn": json.dumps(facts)})
    os.replace(beside, path)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(repo: str, folder: Path = WEIGHTS) -> dict[str, bytes]:
    """Everything that a push would put into the repository, by name. Raises WeightsError for files that are not whole."""
    from pixelcnn.card import card  # half a second to import

    listed = manifest(folder)
    files = {}
    for name, entry in listed["entries"].items():
        path = folder / entry["file"]
        if lacking := {"dataset", "split", "licence"} - set(entry):
            raise WeightsError(f"{name} in the manifest lacks {', '.join(sorted(lacking))}; add it before it is pushed.")
        if not path.exists() or sha256(path) != entry["sha256"]:
            raise WeightsError(f"{path} is not the file of the manifest; check out {name} again before it is pushed.")
        files[entry["file"]] = path.read_bytes()
        entry["repo"] = entry["revision"] = None  # in the repository itself, it is this one and this commit
    trace = complete(load_entry(listed["default"], folder), samples=16, seed=1)
    sheet = io.BytesIO()
    contact_sheet(trace.images, trace.levels).save(sheet, "PNG")
    files["samples.png"] = sheet.getvalue()
    files["manifest.json"] = (json.dumps(listed, indent=2) + "\n").encode()
    files["README.md"] = card(listed, repo).encode()
    return files


def push(repo: str, folder: Path = WEIGHTS) -> str:
    """Make the repository if need be, push, and name it in the manifest; returns the commit, 40 hex.

    Raises WeightsError in a sentence for whatever the Hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api, files = HfApi(), contents(repo, folder)
    try:
        api.create_repo(repo, exist_ok=True)
        operations = [CommitOperationAdd(name, content) for name, content in files.items()]
        pushed = api.create_commit(repo, operations, commit_message="Push weights, manifest, card and samples")
    except Exception as error:  # of the Hub, of the network, of the library below: they have no common base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{repo} could not be pushed ({reason}); log in with `hf auth login` and try again.") from None
    listed = manifest(folder)
    for entry in listed["entries"].values():
        entry |= {"repo": repo, "revision": pushed.oid}
    replace(folder / "manifest.json", json.dumps(listed, indent=2) + "\n")
    readme = folder.parent / "README.md"
    if readme.exists():
        files = ",".join(entry["file"] for entry in listed["entries"].values() if entry["page"])
        replace(readme, with_repository(readme.read_text("utf-8"), repo, f"{repo} {files} {pushed.oid}"))
    return pushed.oid


def with_repository(readme: str, repo: str, preload: str) -> str:
    """A README whose front matter tells a Space which repository it uses, and to fetch its files when it is built."""
    if not readme.startswith("---\n") or readme.count("---\n") < 2:
        return readme
    _, front, rest = readme.split("---\n", 2)
    front = re.sub(r"(?m)^(models|preload_from_hub):\n(  - .*\n)*", "", front)
    return f"---\n{front}models:\n  - {repo}\npreload_from_hub:\n  - {preload}\n---\n{rest}"


def replace(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m pixelcnn.hub", description="Weights and the Hub.")
    pushing = parser.add_subparsers(dest="command", required=True).add_parser(
        "push", help="upload weights, manifest, a model card and samples; says what it would do unless --yes is given"
    )
    pushing.add_argument("--repo", required=True, help="the Hub repository, user/name")
    pushing.add_argument("--folder", type=Path, default=WEIGHTS, help="where manifest.json and the weights are")
    pushing.add_argument("--yes", action="store_true", help="really push")
    options = parser.parse_args(argv)
    if not re.fullmatch(REPO, options.repo):
        parser.error(f"--repo is {options.repo!r}; give user/name")
    try:
        if options.yes:
            print(f"pushed to {options.repo}, commit {push(options.repo, options.folder)}, which the manifest now names")
            return
        files = contents(options.repo, options.folder)
    except WeightsError as error:
        raise SystemExit(str(error)) from None
    print(files["README.md"].decode())
    for name, content in files.items():
        print(f"{len(content):>10} bytes  {name}")
    print(f"Nothing was sent. To push these {len(files)} files to {options.repo}, give --yes.")


if __name__ == "__main__":
    main()

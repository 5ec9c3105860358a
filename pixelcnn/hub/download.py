"""Download weights from the Hugging Face Hub, each within a deadline."""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pixelcnn.errors import WeightsError
from pixelcnn.hub.hub_errors import hub_error
from pixelcnn.hub.manifest import REPO_NAME, Entry, Manifest, checked_entry, read_manifest, sha256

T = TypeVar("T")

FILE_DEADLINE_S = 10.0  # for one file that a request waits for
REPO_DEADLINE_S = 60.0  # for all files of a repository, in the background


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """The result of work(), which runs in a daemon thread.

    The Hub's client retries for minutes if a network does not respond. Raises TimeoutError if there is no result after
    `seconds`; the thread then continues, and its result is discarded. Raises any exception that work() raises in time.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="run-with-timeout", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    raise TimeoutError(f"No result within {seconds:g} s.")


def download_weights(repo: str, seconds: float, work: Callable[[], T]) -> T:
    """`run_with_timeout` for a download from a repository, with every exception as a WeightsError."""
    try:
        return run_with_timeout(seconds, work)
    except WeightsError:
        raise
    except TimeoutError as error:
        raise WeightsError(
            "download_timeout",
            "The weights could not be downloaded from {repo} within {seconds} s. Try again later, or use --weights FILE.",
            repo=repo,
            seconds=seconds,
        ) from error
    except Exception as error:  # the exceptions of the Hub, the network and HTTP libraries have no common base
        raise hub_error(repo, error) from error


def download_file(repo: str, file: str, revision: str | None, *, again: bool = False) -> Path:
    """The path of one file of a Hub repository in the local cache, downloaded if necessary.

    A file of a full commit is immutable, so a cached one is used without a request. again: replace a damaged cached file.
    """
    from huggingface_hub import hf_hub_download  # takes half a second to import; bundled weights do not need it
    from huggingface_hub.errors import LocalEntryNotFoundError

    if revision and re.fullmatch("[0-9a-f]{40}", revision) and not again:
        try:
            return Path(hf_hub_download(repo_id=repo, filename=file, revision=revision, local_files_only=True))
        except LocalEntryNotFoundError:
            pass
    return Path(hf_hub_download(repo_id=repo, filename=file, revision=revision, force_download=again))


def download_weights_file(repo: str, entry: Entry, revision: str | None) -> Path:
    """The file of an entry. One that is not the entry's, such as half a file in the cache, is downloaded once more.

    Raises WeightsError if it is still another file, and the exceptions of the Hub's client.
    """
    path = download_file(repo, entry["file"], revision)
    if sha256(path) != entry["sha256"]:
        with suppress(Exception):  # without a network, for example; then the next line says what is wrong
            path = download_file(repo, entry["file"], revision, again=True)
        check_sha256(path, entry, repo)
    return path


def download_entry(entry: Entry) -> Path:
    """The file of an entry that names a repository. Raises WeightsError after FILE_DEADLINE_S, or if it is another file."""
    repo, revision = entry["repo"], entry["revision"]
    assert repo is not None
    return download_weights(repo, FILE_DEADLINE_S, lambda: download_weights_file(repo, entry, revision))


def check_sha256(path: Path, entry: Entry, repo: str) -> None:
    """Raises WeightsError if a downloaded file is not the one that the manifest lists."""
    if sha256(path) != entry["sha256"]:
        raise WeightsError(
            "download_wrong_sha256",
            "{file} of {repo} does not have the sha256 of the manifest. Check the revision, or push the weights again.",
            file=entry["file"],
            repo=repo,
        )


@dataclass(frozen=True)
class DownloadedRepo:
    """The weights of a Hub repository, all from one commit and checked against its manifest."""

    repo: str
    revision: str  # 40 hex digits
    manifest: Manifest
    files: dict[str, Path]  # by entry: the default and all that the page offers
    left_out: dict[str, WeightsError]  # entries that cannot be used, never the default


def download_repo(name: str, deadline_s: float = REPO_DEADLINE_S) -> DownloadedRepo:
    """The weights that the page offers from `user/name` or `user/name@revision`. Raises WeightsError."""
    repo, _, revision = name.partition("@")
    if not re.fullmatch(REPO_NAME, repo):
        raise WeightsError(
            "invalid_repo",
            "{given} is not the name of a Hub repository. Give user/name or user/name@revision.",
            given=repr(name[:100]),
        )
    return download_weights(repo, deadline_s, lambda: _download_all(repo, revision or None))


def _download_all(repo: str, revision: str | None) -> DownloadedRepo:
    manifest, commit = _download_manifest(repo, revision)
    files: dict[str, Path] = {}
    left_out: dict[str, WeightsError] = {}
    default = manifest["default"]
    for name in sorted(manifest["entries"], key=lambda name: name != default):  # without the default, no other is needed
        try:
            entry = checked_entry(manifest, name)
            if entry["page"] or name == default:
                files[name] = download_weights_file(repo, entry, commit)
        except WeightsError as error:
            if name == default:
                raise
            left_out[name] = error
    return DownloadedRepo(repo, commit, manifest, files, left_out)


def _download_manifest(repo: str, revision: str | None) -> tuple[Manifest, str]:
    """The manifest and its commit, 40 hex digits. One that cannot be read is downloaded once more."""
    path = download_file(repo, "manifest.json", revision)
    # The cache has one folder for each commit. Taking the rest from the same commit keeps a moving branch consistent.
    commit = path.parent.name
    try:
        return read_manifest(path.parent), commit
    except WeightsError:
        return read_manifest(download_file(repo, "manifest.json", commit, again=True).parent), commit

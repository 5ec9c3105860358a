"""Why the Hugging Face Hub or the network did not do what was asked, as an error that says what to do."""

import os

from pixelcnn.errors import WeightsError


def hub_error(repo: str, error: Exception) -> WeightsError:
    """The error for an exception during a download from a repository."""
    status = http_status(error)
    if status in (401, 403):
        return WeightsError(
            "download_forbidden",
            "The Hub refuses access to {repo} (status {status}): it is private, or the name is wrong. Check the name, or "
            "log in with `hf auth login`.",
            repo=repo,
            status=status,
        )
    if status == 404:
        return WeightsError(
            "download_not_found",
            "The Hub does not have {repo}, its revision, or one of its files (status 404). Check name and revision.",
            repo=repo,
        )
    if status is not None:
        return WeightsError(
            "download_failed",
            "The Hub answers status {status} for {repo}. Try again later, or use --weights FILE.",
            repo=repo,
            status=status,
        )
    if isinstance(error, OSError) and error.errno and error.filename:
        return WeightsError(
            "download_cache",
            "The cache of the Hub cannot be used: {path} ({reason}). Set HF_HUB_CACHE to a folder that can be written.",
            path=str(error.filename),
            reason=os.strerror(error.errno),
        )
    return WeightsError(
        "download_no_network",
        "The Hub cannot be reached for {repo}, and its files are not in the cache. Check the network and HF_HUB_OFFLINE, "
        "or use --weights FILE.",
        repo=repo,
    )


def http_status(error: BaseException | None) -> int | None:
    """The HTTP status that caused an exception of the Hub's client, None if there was no answer."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None

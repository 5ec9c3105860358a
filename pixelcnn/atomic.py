"""Write files atomically: after a crash or a full disk, a path holds the old content or the new, never a part of it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

SUFFIX = ".part"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with the path of a temporary file in the same folder, then rename that file to `path`.

    The file gets the mode that the umask gives to new files, also if `write` replaces the temporary file by one with
    another mode. If `write` raises, the temporary file is deleted and `path` is unchanged. The temporary name does not
    have the suffix of `path`, so `write` names the format where a library would guess it. Raises OSError.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{SUFFIX}")
    try:
        with temporary.open("wb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
        write(temporary)
        temporary.chmod(mode)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def delete_temporaries(folder: Path, name: str = "*") -> None:
    """Delete the temporary files that killed processes left in a folder, of one file name or of all.

    Only for a folder or name that no other process is writing.
    """
    for pattern in (f"{name}.*{SUFFIX}", f"{name}{SUFFIX}"):
        for temporary in folder.glob(pattern):
            with contextlib.suppress(OSError):
                temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Flush the rename itself, on systems on which a folder can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

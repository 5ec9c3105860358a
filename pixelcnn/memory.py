"""What malloc does with freed memory."""

import ctypes

KEPT_BYTES = 256 * 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD = -1, -3, 32 * 2**20  # from glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep up to KEPT_BYTES of freed memory, instead of returning it and clearing other pages for every tensor.

    In each of its arenas, of which a thread usually has its own, from now on. Does nothing where malloc is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; TypeError on Windows
        return
    mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)

"""What malloc does with freed memory."""

import ctypes

KEPT_BYTES = 256 * 2**20
ARENAS = 4  # of memory, which threads share; each keeps as much as was once used in it
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX, MAX_MMAP_THRESHOLD = -1, -3, -8, 32 * 2**20  # from glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep up to KEPT_BYTES of freed memory, instead of returning it and clearing other pages for every tensor.

    In each of its arenas, from now on. By default there are up to eight for each core, and a server with fifty threads
    would grow until each has held the largest request. Does nothing where malloc is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; TypeError on Windows
        return
    mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    mallopt(M_ARENA_MAX, ARENAS)

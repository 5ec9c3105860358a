"""Settings of a process that serves requests."""

import ctypes
import sys

import torch

SWITCH_INTERVAL_S = 2e-5
KEPT_BYTES = 256 * 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD = -1, -3, 32 * 2**20  # from glibc's malloc.h


def configure_process() -> None:
    """Use one thread for the network, and let the threads of Python and of malloc wait little; once, at the start.

    One thread leaves the other core to the web server; see docs/architecture.md. The engine's thread gives up the GIL in
    every operation of PyTorch. To get it back from a busy web server it would wait for Python's default of 5 ms each time.
    """
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let glibc keep up to KEPT_BYTES of freed memory, instead of returning it and clearing other pages for every tensor.

    Does nothing where malloc is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; TypeError on Windows
        return
    mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)

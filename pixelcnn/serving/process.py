"""Settings of a process that serves requests."""

import sys

import torch

from pixelcnn.memory import keep_freed_memory

SWITCH_INTERVAL_S = 2e-5


def configure_process() -> None:
    """Use one thread for the network, and let it wait little for the GIL and for memory; once, at the start.

    One thread leaves the other core to the web server; see docs/architecture.md. The engine's thread gives up the GIL in
    every operation of PyTorch. To get it back from a busy web server it would wait for Python's default of 5 ms each time.
    """
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_freed_memory()

"""Settings of a process that serves requests."""

import sys

import torch

from pixelcnn.memory import keep_freed_memory

SWITCH_INTERVAL_S = 2e-5


def configure_process() -> None:
    """Use one thread for each batch, and let it wait little for the GIL and for memory; once, at the start.

    Batches are computed in parallel instead; see docs/architecture.md. The threads of an engine give up the GIL in every
    operation of PyTorch. To get it back from a busy web server they would wait for Python's default of 5 ms each time.
    """
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_freed_memory()

"""Settings of a serving process: how its threads share Python, and what happens to freed memory."""

import ctypes
import platform
import resource
import sys

import pytest
import torch

from pixelcnn.memory import keep_freed_memory
from pixelcnn.serving.process import SWITCH_INTERVAL_S, configure_process


@pytest.fixture
def restored():
    interval, threads = sys.getswitchinterval(), torch.get_num_threads()
    yield
    sys.setswitchinterval(interval)
    torch.set_num_threads(threads)


def page_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def test_the_engine_need_not_wait_for_the_web_server(restored):
    configure_process()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S) and torch.get_num_threads() == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_used_again_without_page_faults():
    keep_freed_memory()
    before = page_faults()
    for _ in range(20):
        torch.ones(2**21)  # 8 MB: 2 048 pages
    assert page_faults() - before < 5 * 2048


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_other_implementations_of_malloc_are_left_alone(monkeypatch, error):
    def no_library(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    keep_freed_memory()

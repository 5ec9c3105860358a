"""The command `python app.py`: what cannot start, and a server with more requests than it accepts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import clients
from benchmarks.soak import slow_weights
from pixelcnn import complete, load

ROOT = Path(__file__).parents[2]


def run_app(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "app.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--weights", "nothing"], {}, "Choose one of pixelcnn"),
        (["--weights", "/nowhere/x.safetensors"], {}, "There is no weights file /nowhere/x.safetensors"),
        (["--device", "tpu"], {}, "invalid choice"),
        ([], {"GRADIO_SERVER_PORT": "abc"}, "Give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_PORT": "99999"}, "Give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_NAME": "10.255.255.1"}, "GRADIO_SERVER_NAME is '10.255.255.1', which is not an address"),
    ],
)
def test_invalid_options_are_reported_without_a_traceback(arguments, environment, says):
    run = run_app(*arguments, **environment)
    assert run.returncode != 0 and says in run.stderr and "Traceback" not in run.stderr


def test_a_port_in_use_is_reported_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        run = run_app(GRADIO_SERVER_PORT=port)
    assert run.returncode != 0 and port in run.stderr and "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr


def test_the_bundled_model_needs_few_steps():
    """Counts steps, which is more reliable than time: fewer than 49 for 392 pixels."""
    drawing = [[255 if 5 <= row < 14 and 13 <= column < 15 else 0 for column in range(28)] for row in range(28)]
    result = complete(load("pixelcnn"), drawing, [[int(row < 14)] * 28 for row in range(28)])
    assert result.steps < 392 / 8


@pytest.mark.long
def test_a_busy_server_refuses_the_last_requests(tmp_path):
    """Twelve clients request sixteen slow pictures each; 64 fit and 16 may wait. No client hangs."""
    with clients.server("--weights", slow_weights(tmp_path), "--slots", "64", "--waiting", "16") as page:
        results = clients.simultaneous(page, 12, 16)
    assert all(result.done_s for result in results)
    refused = [result.refused for result in results if result.refused]
    assert 0 < len(refused) < 12
    assert all("The server is busy" in message and "Try again in" in message for message in refused)

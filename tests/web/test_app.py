"""The command `python app.py`: what cannot start, and a server with more requests than it accepts."""

import logging
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app import main, set_temporary_folder
from benchmarks import clients
from pixelcnn import complete, load

ROOT = Path(__file__).parents[2]


def run_app(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "app.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def environ(monkeypatch):
    """A copy of the environment that the test may change; the level of the log is restored as well."""
    monkeypatch.setattr(os, "environ", os.environ | {"GRADIO_TEMP_DIR": ""})
    monkeypatch.setattr(logging.getLogger("pixelcnn"), "level", logging.NOTSET)
    return os.environ


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--weights", "nothing"], {}, "Choose one of pixelcnn"),
        (["--weights", "/nowhere/x.safetensors"], {}, "There is no weights file /nowhere/x.safetensors"),
        (["--device", "tpu"], {}, "invalid choice"),
        (["--cluster", "auto", "--replicas", "4..2"], {}, "Give N, or MIN..MAX"),
        (["--replicas", "2"], {}, "--replicas needs --cluster"),
        (["--cluster", "127.0.0.1:9"], {}, "No Ray cluster answers at '127.0.0.1:9'"),
        ([], {"GRADIO_SERVER_PORT": "abc"}, "Give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_PORT": "99999"}, "Give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_NAME": "10.255.255.1"}, "GRADIO_SERVER_NAME is '10.255.255.1', which is not an address"),
    ],
)
def test_invalid_options_are_reported_in_a_sentence(arguments, environment, says, environ, capsys):
    environ.update(environment)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert says in f"{caught.value} {capsys.readouterr().err}"


def test_invalid_options_print_no_traceback():
    run = run_app("--weights", "nothing")
    assert run.returncode != 0 and "Choose one of pixelcnn" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.long
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
    with clients.server("--weights", clients.slow_weights(tmp_path), "--slots", "64", "--waiting", "16") as page:
        results = clients.simultaneous(page, 12, 16)
    assert all(result.done_s for result in results)
    refused = [result.refused for result in results if result.refused]
    assert 0 < len(refused) < 12
    assert all("The server is busy" in message and "Try again in" in message for message in refused)


def test_gradios_temporary_folder_is_one_of_this_user(environ, tmp_path, monkeypatch):
    """The default is common to all users, and belongs to the first of them; others may not write to it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    set_temporary_folder()
    folder = Path(environ["GRADIO_TEMP_DIR"])
    assert folder.parent == tmp_path and folder.name == f"pixelcnn-{os.getuid()}" and folder.stat().st_mode & 0o777 == 0o700
    environ["GRADIO_TEMP_DIR"] = str(tmp_path / "mine")
    set_temporary_folder()
    assert environ["GRADIO_TEMP_DIR"] == str(tmp_path / "mine")


def test_a_temporary_folder_that_cannot_be_written_is_named(environ, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"pixelcnn-{os.getuid()}").write_text("not a folder")
    with pytest.raises(SystemExit) as caught:
        set_temporary_folder()
    assert f"pixelcnn-{os.getuid()} cannot be written (File exists)" in str(caught.value)


def test_no_temporary_folder_at_all_is_a_sentence(tmp_path):
    nothing = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nonexistent']; import app; app.main([])"
    run = subprocess.run([sys.executable, "-c", nothing], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and "No temporary folder can be written. Set TMPDIR" in run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr

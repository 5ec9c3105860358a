"""The Dockerfile, run step by step without Docker: its files, its commands, its server and its health check."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.+)$", (ROOT / "Dockerfile").read_text(), re.M)


def instructions(name: str) -> list[str]:
    return [argument for found, argument in INSTRUCTIONS if found == name]


def copy_context(folder: Path) -> None:
    """What COPY . . copies: the files of the repository without those that .dockerignore names."""
    ignored = {line for line in (ROOT / ".dockerignore").read_text().split() if "/" not in line}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        if Path(name).parts[0] not in ignored and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def wait_until_healthy(command: str, environment: dict[str, str], server: subprocess.Popen) -> None:
    for _ in range(120):
        if subprocess.run(command, shell=True, env=environment, capture_output=True).returncode == 0:
            return
        assert server.poll() is None, "the server has ended"
        time.sleep(0.5)
    pytest.fail("the health check did not succeed within a minute")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_commands_of_the_dockerfile_start_a_healthy_server(tmp_path):
    folder, environment_folder = tmp_path / "app", tmp_path / "venv"
    folder.mkdir()
    copy_context(folder)
    assert not (folder / "tests").exists() and (folder / "weights" / "manifest.json").exists()
    venv.create(environment_folder, with_pip=True)
    paths = f"{environment_folder / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": paths, "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    for command in instructions("RUN"):
        subprocess.run(command, shell=True, cwd=folder, env=environment | pip_settings(), check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    for pairs in instructions("ENV"):
        environment |= dict(pair.split("=", 1) for pair in pairs.split())
    environment |= {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port}
    server = subprocess.Popen(json.loads(instructions("CMD")[-1]), cwd=folder, env=environment)
    try:
        (check,) = instructions("HEALTHCHECK")
        wait_until_healthy(check.removeprefix("CMD ").replace("7860", port), environment, server)
    finally:
        server.terminate()
        server.wait(20)


def pip_settings() -> dict[str, str]:
    """The machine's settings for pip, such as a package index."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

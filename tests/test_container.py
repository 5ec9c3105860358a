"""The Dockerfile, run step by step without Docker: its files, its commands, its server and its health check."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
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


@pytest.fixture
def root():
    """A folder that other users can enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def unprivileged(folder: Path) -> dict:
    """Arguments of Popen for the user of the image, who may write to one folder only; none if this is not root."""
    (user,) = instructions("USER")
    assert user == "1000"
    if os.getuid():
        return {}
    os.chown(folder, int(user), int(user))
    return {"user": int(user), "group": int(user), "extra_groups": []}


def variables(name: str) -> dict[str, str]:
    """What the ENV or ARG instructions set."""
    return dict(pair.split("=", 1) for pairs in instructions(name) for pair in pairs.split())


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_commands_of_the_dockerfile_start_a_healthy_server_for_an_unprivileged_user(root):
    """The user owns nothing but the folder that stands for /tmp, so the server needs no other writable place."""
    folder, temporary = root / "app", root / "tmp"
    folder.mkdir()
    temporary.mkdir()
    copy_context(folder)
    assert not (folder / "tests").exists() and (folder / "weights" / "manifest.json").exists()
    venv.create(root / "venv", with_pip=True)
    environment = {"PATH": f"{root / 'venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(root)}
    for command in instructions("RUN"):
        subprocess.run(command, shell=True, cwd=folder, env=environment | pip_settings() | variables("ARG"), check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment |= {name: value.replace("/tmp", str(temporary)) for name, value in variables("ENV").items()}
    environment |= {"TMPDIR": str(temporary), "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    environment |= {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port}
    before = sorted(folder.rglob("*"))
    command, user = json.loads(instructions("CMD")[-1]), unprivileged(temporary)
    server = subprocess.Popen(command, cwd=folder, env=environment, **user)
    try:
        (check,) = instructions("HEALTHCHECK")
        wait_until_healthy(check.removeprefix("CMD ").replace("7860", port), environment, server)
    finally:
        server.terminate()
        server.wait(20)
    assert sorted(folder.rglob("*")) == before, "nothing was written beside the temporary folder"


def test_torch_is_a_build_for_cpus_unless_another_index_is_given():
    assert variables("ARG") == {"TORCH_INDEX": "https://download.pytorch.org/whl/cpu"}
    assert '--index-url "$TORCH_INDEX"' in instructions("RUN")[0]


def pip_settings() -> dict[str, str]:
    """The machine's settings for pip, such as a package index."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

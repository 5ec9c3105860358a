"""`pip install .`: what the wheel holds, and that it works from another directory."""

import json
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLASSIFIER = "benchmarks/judge.safetensors"
MAX_WHEEL_BYTES = 25 * 2**20


def page_files() -> set[str]:
    entries = json.loads((ROOT / "weights" / "manifest.json").read_text())["entries"]
    return {entry["file"] for entry in entries.values() if entry["page"]}


def test_the_wheel_is_configured_to_hold_the_weights_of_the_page():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    included = wheel["force-include"]
    assert set(included) == {"weights/manifest.json", CLASSIFIER, *(f"weights/{file}" for file in page_files())}
    assert all(target == f"pixelcnn/{source}" for source, target in included.items())


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_installed_package_completes_a_picture_from_another_directory(tmp_path):
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("pixelcnn-*.whl")
    assert wheel.stat().st_size <= MAX_WHEEL_BYTES
    names = zipfile.ZipFile(wheel).namelist()
    assert {Path(name).parts[0] for name in names if ".dist-info" not in name} == {"pixelcnn"}
    assert {Path(name).name for name in names if name.endswith(".safetensors")} == {
        *page_files(),
        Path(CLASSIFIER).name,
    }
    subprocess.run([*pip, "install", "-c", ROOT / "requirements.txt", wheel], check=True)
    script = "from pixelcnn import load, complete; result = complete(load()); print(result.images.shape)"
    run = subprocess.run([python, "-W", "error", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout.strip() == "(1, 28, 28)", run.stderr


def test_the_version_has_a_section_in_the_changelog():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_requirements_pin_every_dependency_of_the_package():
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    assert {dependency.split(">=")[0] for dependency in dependencies} <= pinned
    assert sys.version_info >= (3, 11)

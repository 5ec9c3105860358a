"""The house itself: who imports whom, and whether what README and docs say is so."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pixelcnn.models import MODELS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")

# Each floor may import from the floors above it in this list, never from its own or those below.
FLOORS = [
    ["pixelcnn.errors"],
    ["pixelcnn.patience", "pixelcnn.replay"],
    ["pixelcnn.pictures", "pixelcnn.pens"],
    ["pixelcnn.card", "pixelcnn.orders", "pixelcnn.likelihoods", "pixelcnn.canvas"],
    ["pixelcnn.data", "pixelcnn.masks", "pixelcnn.where"],
    ["pixelcnn.layers", "pixelcnn.sweep", "pixelcnn.kernels", "pixelcnn.kernels.parts"],
    ["pixelcnn.models.base", "pixelcnn.kernels.attention"],
    [*(f"pixelcnn.models.{name}" for name in MODELS), "pixelcnn.kernels.pixelcnn", "pixelcnn.kernels.freeform"],
    ["pixelcnn.models", "pixelcnn.growth", "pixelcnn.fused"],
    ["pixelcnn.request", "pixelcnn.posterior", "pixelcnn.sight"],
    ["pixelcnn.trace", "pixelcnn.forecast", "pixelcnn.steps"],
    ["pixelcnn.batch"],
    ["pixelcnn.sampler", "pixelcnn.engine"],
    ["pixelcnn.solo", "pixelcnn.insight"],
    ["pixelcnn.hub"],
    ["pixelcnn.evaluate", "pixelcnn.shelf"],
    ["pixelcnn"],
    ["web", "web.texts", "web.wire", "web.qr", "web.wall"],
    ["web.refusals"],
    ["web.answers", "web.film"],
    ["web.gate"],
    ["web.classroom"],
    ["web.page"],
    ["app", "train", "docs.examples", "docs.gif", "docs.models"],
    ["benchmarks", "benchmarks.sampler", "benchmarks.visitors", "benchmarks.judge"],
    ["benchmarks.engine", "benchmarks.quality"],
    ["benchmarks.soak"],
]


def sources() -> list[Path]:
    folders = ("pixelcnn", "web", "benchmarks", "docs")
    return [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Modules that a file imports, at the top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in submodules if floor(name) >= 0} or {node.module}
    return found


def floor(name: str) -> int:
    return next((level for level, names in enumerate(FLOORS) if name in names), -1)


@pytest.mark.parametrize("path", sources(), ids=module)
def test_imports_only_go_down(path):
    own = floor(module(path))
    assert own >= 0, f"{module(path)} has no floor yet: give it one in FLOORS"
    for name in imports(path):
        if floor(name) >= 0:
            assert floor(name) < own, f"{module(path)} imports {name}, which is not below it"


@pytest.mark.parametrize("path", sources(), ids=module)
def test_gradio_stays_in_the_page_and_torch_out_of_it(path):
    roots = {name.split(".")[0] for name in imports(path)}
    in_page = module(path).split(".")[0] in ("app", "web")
    assert in_page or "gradio" not in roots
    assert module(path).split(".")[0] != "web" or "torch" not in roots


def test_requirements_hold_six_pinned_packages():
    lines = (ROOT / "requirements.txt").read_text().split()
    names = [line.split("==")[0] for line in lines]
    assert sorted(names) == ["gradio", "huggingface-hub", "numpy", "pillow", "safetensors", "torch"]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", line) for line in lines)


def test_the_front_matter_fits_the_repository():
    """What a Space reads of the README: the pinned Gradio, a file that is there, repositories that a push has named."""
    facts = yaml.safe_load(README.split("---\n")[1])
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())
    assert facts["sdk"] == "gradio" and facts["sdk_version"] == pins["gradio"]
    assert (ROOT / facts["app_file"]).exists() and facts["license"] == "apache-2.0" and facts["header"] == "mini"
    assert facts["suggested_hardware"] == "cpu-basic" and len(facts["short_description"]) <= 60
    assert f'requires-python = ">={facts["python_version"]}"' in (ROOT / "pyproject.toml").read_text()
    entries = json.loads((ROOT / "weights" / "manifest.json").read_text())["entries"].values()
    named = {entry["repo"] for entry in entries} - {None}
    assert set(facts.get("models", [])) == named == {line.split()[0] for line in facts.get("preload_from_hub", [])}


def test_readme_names_every_file_of_the_house_and_no_other():
    listed = set(re.findall(r"^([\w./-]+\.(?:py|js|css|html|json|md|txt))\s{2,}\S", README, re.M))
    here = {str(path.relative_to(ROOT)) for path in sources() if path.name != "__init__.py"}
    assert here <= listed, f"not in the README's map: {sorted(here - listed)}"
    assert all((ROOT / name).exists() for name in listed), [name for name in listed if not (ROOT / name).exists()]


def test_readme_python_examples_run():
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert blocks
    for block in blocks:
        subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=ROOT, check=True, timeout=100)


def test_readme_commands_exist():
    for command in ("app.py", "train.py"):
        assert f"python {command}" in README
    for name in re.findall(r"python -m ((?:pixelcnn|benchmarks)[\w.]*)", README):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists(), name


def test_readme_client_example_runs(server):
    """The lines for `gradio_client`, against a running page, with the drawing of the Python example."""
    (client,) = re.findall(r"```\n(from gradio_client.*?)```", README, re.S)
    (python,) = re.findall(r"```python\n(.*?)```", README, re.S)
    drawing = python[python.index("drawing =") : python.index("trace =")]
    code = drawing + client.replace("http://127.0.0.1:7860", server) + "assert len(answer['images']) == 4\n"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100, capture_output=True)


def test_numbers_in_the_readme_are_the_manifests():
    entries = json.loads((ROOT / "weights" / "manifest.json").read_text())["entries"]
    for name in re.findall(r"--weights ([\w-]+)[\s`]", README):
        assert name in entries, name
    models = (ROOT / "docs" / "models.md").read_text("utf-8")
    for name, entry in entries.items():
        score = f"{entry.get('nats', entry.get('bits_per_dim')):.2f}"
        told = (README, models) if name.endswith("-static") or entry["model"] == "pixelcnn_pp" else (README,)
        for text in told:
            rows = re.findall(rf"(?m)^\| `{entry['model']}` \|.*$", text)
            assert any(score in row for row in rows), f"{name}: {score} is not in the row of {entry['model']}"


def test_the_dockerfile_starts_what_the_readme_starts():
    lines = (ROOT / "Dockerfile").read_text()
    assert 'CMD ["python", "app.py"]' in lines and "pip install --no-cache-dir -r requirements.txt" in lines
    (check,) = re.findall(r'^RUN python -c "(.*)"$', lines, re.M)
    subprocess.run([sys.executable, "-W", "error", "-c", check], cwd=ROOT, check=True, timeout=100)


def test_the_pages_javascript_is_clean():
    oxlint = Path(sys.executable).parent / "oxlint"
    run = subprocess.run([oxlint, "--deny-warnings", "web/js"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_model_is_documented():
    for name in MODELS:
        assert f"`{name}`" in README


@pytest.mark.parametrize("script", ["app.py", "train.py"])
def test_help_explains(script):
    run = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(run.stdout) > 300 and "--device" in run.stdout

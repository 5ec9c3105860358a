"""README and docs agree with the repository: links, commands, options, examples, numbers and error codes."""

import ast
import contextlib
import functools
import importlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pixelcnn.exhibits import EXHIBITS
from pixelcnn.hub.manifest import is_exhibit
from pixelcnn.models import MODELS
from scripts.list_error_codes import BASES, calls, codes, leading_strings, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# Without those that quote commands of earlier versions.
CURRENT_DOCS = [path for path in DOCS if path.name not in ("CHANGELOG.md", "experiments.md")]
WITH_EXAMPLES = [ROOT / "README.md", ROOT / "docs" / "api.md"]
MAX_README_LINES = 150
COMMANDS = {  # as the documents write it: its module, and the arguments before the options
    "app.py": ["app"],
    "train.py": ["train"],
    "-m pixelcnn.evaluate": ["pixelcnn.evaluate"],
    "-m pixelcnn.hub push": ["pixelcnn.hub.__main__", "push"],
    "-m pixelcnn.exhibits.train": ["pixelcnn.exhibits.train"],
    "-m benchmarks.associative_retrieval train": ["benchmarks.associative_retrieval", "train"],
    "-m benchmarks.copy_task train": ["benchmarks.copy_task", "train"],
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def manifest() -> dict:
    return json.loads((ROOT / "weights" / "manifest.json").read_text())["entries"]


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.S | re.M)


def options_of(command: str) -> set[str]:
    """The options in a command's help."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_of(command)))


@functools.cache
def help_of(command: str) -> str:
    module, *arguments = COMMANDS[command]
    with contextlib.redirect_stdout(io.StringIO()) as text, pytest.raises(SystemExit):
        importlib.import_module(module).main([*arguments, "--help"])
    return text.getvalue()


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_relative_links_resolve(path):
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.S)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"https?://|#", target)]
    missing = [target for target in targets if not (path.parent / target.partition("#")[0]).exists()]
    assert not missing


def test_readme_fits_its_limit():
    """The header between the two lines of dashes does not count."""
    body = README.split("---\n", 2)[2].strip("\n")
    assert len(body.splitlines()) <= MAX_README_LINES


def test_readme_has_the_install_lines():
    lines = README.splitlines()
    assert "pip install -r requirements.txt && python app.py" in lines
    assert "pip install -r requirements-dev.txt && python -m pytest" in lines


def test_readme_shows_gif_and_screenshot():
    for picture in ("docs/demo.gif", "docs/page.png"):
        assert re.search(rf"!\[[^\]]{{20,}}\]\({re.escape(picture)}\)", README), picture


def test_readme_links_every_page_of_the_docs():
    linked = {
        target.partition("#")[0]
        for path in DOCS
        for target in re.findall(r"\]\(([^)\s]+\.md[^)\s]*)\)", path.read_text("utf-8"))
    }
    assert {path.name for path in DOCS[2:]} <= {target.rpartition("/")[2] for target in linked}


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=name)
def test_python_examples_run(path):
    """All examples of a page that need no server, one after the other, with warnings as errors."""
    blocks = [block for block in python_blocks(path) if not re.search(r"gradio_client|\bclient\.", block)]
    assert blocks
    code = "\n".join(blocks)
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True, timeout=100)


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=name)
def test_client_examples_run(path, server):
    """All examples of a page, one after the other, against a running server."""
    code = "\n".join(python_blocks(path))
    assert "http://127.0.0.1:7860" in code
    code = code.replace("http://127.0.0.1:7860", server) + "\nassert answer['images']"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=100, capture_output=True)


def test_shell_example_runs(server):
    """The example of docs/api.md for curl."""
    (code,) = re.findall(r"^```\n(ID=.*?)^```", (ROOT / "docs" / "api.md").read_text("utf-8"), re.S | re.M)
    code = code.replace("http://127.0.0.1:7860", server)
    run = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, timeout=100)
    (data,) = re.findall(r"^event: complete\ndata: (.*)$", run.stdout, re.M)
    assert len(json.loads(data)[0]["images"]) == 1


def test_modules_in_commands_exist():
    for path in CURRENT_DOCS:
        for module in re.findall(r"python -m ((?:pixelcnn|benchmarks|scripts)[\w.]*)", path.read_text("utf-8")):
            file = ROOT / module.rstrip(".").replace(".", "/")
            assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), f"{name(path)}: {module}"


@pytest.mark.parametrize("command", COMMANDS)
def test_options_in_commands_exist(command):
    for path in CURRENT_DOCS:
        for rest in re.findall(rf"{re.escape(command)}\b([^`\n]*)", path.read_text("utf-8")):
            mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest))
            assert mentioned <= options_of(command), f"{name(path)}: {command}{rest}"


def test_options_of_training_are_documented():
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    documented = re.findall(r"^\| `(--[a-z-]+)` \|", text, re.M)
    assert sorted(documented) == sorted(options_of("train.py") - {"--help"})
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert mentioned <= set().union(*map(options_of, COMMANDS)) | {"--nproc-per-node", "--local-addr", "--weights"}


def test_limits_of_the_server_are_documented():
    documented = re.findall(r"^\| `(--[a-z-]+)` \| (\d+) \|", (ROOT / "docs" / "deploy.md").read_text("utf-8"), re.M)
    assert documented
    for option, default in documented:
        assert re.search(rf"{option} \w+\s[^-]*?\(default:\s+{default}\)", help_of("app.py")), option


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_weights_in_commands_are_entries(path):
    for entry in re.findall(r"--weights ([a-z][\w-]*)(?=[\s`])", path.read_text("utf-8")):
        assert entry in manifest()


def test_numbers_of_models_are_those_of_the_manifest():
    models = (ROOT / "docs" / "models.md").read_text("utf-8")
    for entry, facts in manifest().items():
        if is_exhibit(facts):
            continue
        score = f"{facts.get('nats', facts.get('bits_per_dim')):.2f}"
        texts = (README, models) if entry.endswith("-static") or facts["model"] == "pixelcnn_pp" else (README,)
        for text in texts:
            rows = re.findall(rf"(?m)^\| `{facts['model']}` \|.*$", text)
            assert any(score in row for row in rows), f"{entry}: {score} is not in the row of {facts['model']}"


@pytest.mark.parametrize("model", [*MODELS, *EXHIBITS])
def test_every_model_is_documented(model):
    assert f"`{model}`" in README and f"**`{model}`**" in (ROOT / "docs" / "models.md").read_text("utf-8")


def test_header_fits_the_repository():
    """What a Space reads in the README: the pinned Gradio, an existing file, and only repositories of the manifest."""
    facts = yaml.safe_load(README.split("---\n")[1])
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())
    assert facts["sdk"] == "gradio" and facts["sdk_version"] == pins["gradio"]
    assert (ROOT / facts["app_file"]).exists() and facts["license"] == "apache-2.0" and facts["header"] == "mini"
    assert facts["suggested_hardware"] == "cpu-basic" and len(facts["short_description"]) <= 60
    assert f'requires-python = ">={facts["python_version"]}"' in (ROOT / "pyproject.toml").read_text()
    repos = {entry["repo"] for entry in manifest().values()} - {None}
    assert set(facts.get("models", [])) == repos == {line.split()[0] for line in facts.get("preload_from_hub", [])}


def test_requirements_are_a_few_pinned_packages():
    lines = (ROOT / "requirements.txt").read_text().split()
    packages = sorted(line.split("==")[0] for line in lines)
    assert packages == ["gradio", "huggingface-hub", "numpy", "pillow", "safetensors", "segno", "torch"]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+", line) for line in lines)


def test_dockerfile_starts_the_page():
    text = (ROOT / "Dockerfile").read_text()
    assert 'CMD ["python", "app.py"]' in text and "pip install --no-cache-dir -r requirements.txt" in text
    (check,) = re.findall(r'^RUN python -c "(.*)"$', text, re.M)
    subprocess.run([sys.executable, "-W", "error", "-c", check], cwd=ROOT, check=True, timeout=100)


@pytest.mark.parametrize("command", ["app.py", "train.py"])
def test_help_explains_the_options(command):
    assert len(help_of(command)) > 300 and "--device" in help_of(command)


@pytest.mark.parametrize("kind", BASES)
def test_codes_are_documented(kind):
    """If this fails, `python -m scripts.list_error_codes` writes the table."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    (documented,) = re.findall(rf"<!-- {kind} codes: start -->\n(.*?)\n<!-- {kind} codes: end -->", text, re.S)
    assert documented.splitlines() == table(BASES[kind]).splitlines()


@pytest.mark.parametrize("kind", BASES)
def test_codes_have_one_template(kind):
    found = codes(BASES[kind])
    names = [code.code for code in found]
    assert len(set(names)) == len(names) > 0
    for code in found:
        assert re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", code.code), code
        assert kind == "message" or (code.template[0] != " " and code.template.endswith((".", "--lan"))), code


def given_params(call: ast.Call) -> tuple[set[str], bool]:
    """Names of the parameters that a call gives, and whether they are all: not if they are in a variable."""
    extra = [*call.args[2:], *(keyword.value for keyword in call.keywords if keyword.arg in (None, "params"))]
    literal = [argument for argument in extra if isinstance(argument, ast.Dict)]
    keys = {key.value for argument in literal for key in argument.keys if isinstance(key, ast.Constant)}
    return keys | {keyword.arg for keyword in call.keywords if keyword.arg not in (None, "params")}, literal == extra


@pytest.mark.parametrize("kind", BASES)
def test_every_error_has_a_literal_code_and_its_parameters(kind):
    templates = {code.code: code for code in codes(BASES[kind])}
    for path, _, call in calls(BASES[kind]):
        where, strings = f"{name(path)}:{call.lineno}", leading_strings(call)
        assert len(strings) == 2, where
        params, complete = given_params(call)
        expected = set(templates[strings[0]].params)
        assert params == expected if complete else params <= expected, where

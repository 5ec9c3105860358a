"""The page's JavaScript: oxlint, and the unit tests in tests/js, which run in the Node.js that Playwright brings along."""

import subprocess
import sys
from pathlib import Path

import playwright
import pytest

ROOT = Path(__file__).parent.parent.parent
NODE = Path(playwright.__file__).parent / "driver" / "node"


def test_oxlint_finds_nothing():
    """.oxlintrc.json limits the length of functions."""
    oxlint = Path(sys.executable).parent / "oxlint"
    command = [oxlint, "--deny-warnings", "web/static", "tests/js"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "js").glob("*.test.js")), ids=lambda path: path.name)
def test_unit_tests(path):
    # The warning concerns package.json, which the page's modules do without.
    command = [NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test", path]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_module_of_the_page_is_imported():
    """A module that nothing imports is left over."""
    static = ROOT / "web" / "static"
    sources = {path: path.read_text("utf-8") for path in static.rglob("*.js")}
    for path in sources:
        if path.relative_to(static).as_posix() != "core/main.js":
            assert any(f'/{path.name}"' in source for source in sources.values()), path


def test_every_module_of_the_page_is_short():
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "web" / "static").rglob("*.js")}
    assert {name for name, count in lines.items() if count > 250} == set()

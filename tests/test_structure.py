"""Structure of the code: imports go down by package, functions fit a screen, and heavy libraries stay where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FUNCTION_LINES = 60
# Packages from the lowest to the highest. A module imports from its own package and from lower ones, never from its equals.
LAYERS = [
    {"pixelcnn.errors", "pixelcnn.atomic", "pixelcnn.memory", "pixelcnn.distributions"},
    {"pixelcnn.masks", "pixelcnn.images"},
    {"pixelcnn.nn"},
    {"pixelcnn.models"},
    {"pixelcnn.cuda"},
    {"pixelcnn.sampling"},
    {"pixelcnn.analysis", "pixelcnn.hub"},
    {"pixelcnn"},  # the public names
    {"pixelcnn.data"},
    {"pixelcnn.exhibits"},
    {"pixelcnn.serving"},
    {"pixelcnn.evaluate"},
    {"pixelcnn.training"},
    {"pixelcnn.exhibits.train"},
    {"web"},
    {"app", "train"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SOURCES = [*(ROOT / "pixelcnn").rglob("*.py"), *(ROOT / "web").rglob("*.py"), ROOT / "app.py", ROOT / "train.py"]


def package_of(module: str) -> str:
    """The entry of LAYERS that a dotted module name belongs to."""
    parts = module.split(".")
    return next(name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in RANK)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Names of all modules that a source imports, also of imports inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if (ROOT / submodule.replace(".", "/")).with_suffix(".py").exists() else str(node.module)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_go_down_by_package(path):
    package = package_of(module_name(path))
    for module in imported(ast.parse(path.read_text("utf-8"))):
        if module.split(".")[0] not in RANK:
            continue
        other = package_of(module)
        assert other == package or RANK[other] < RANK[package], f"{module_name(path)} imports {module}"


def test_gradio_stays_in_web_and_torch_out_of_it():
    for path in SOURCES:
        modules = {module.split(".")[0] for module in imported(ast.parse(path.read_text("utf-8")))}
        if path.is_relative_to(ROOT / "pixelcnn"):
            assert "gradio" not in modules, path
        if path.is_relative_to(ROOT / "web"):
            assert "torch" not in modules, path


def test_only_the_cluster_option_imports_ray():
    """Only app.py, in a function, imports the modules of clusters; only one of these imports Ray, in functions."""
    clusters = {f"pixelcnn.serving.{name}" for name in ("cluster", "ray", "replica")}
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        at_import = set(imported(ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)])))
        anywhere, module = set(imported(tree)), module_name(path)
        assert "ray" not in {name.split(".")[0] for name in at_import}, path
        assert "ray" not in {name.split(".")[0] for name in anywhere} or module == "pixelcnn.serving.ray", path
        assert not clusters & at_import or module in clusters, path
        assert not clusters & anywhere or module in {*clusters, "app"}, path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_triton_kernel(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator).startswith("triton.jit") for decorator in node.decorator_list)


def test_functions_fit_a_screen():
    folders = ("pixelcnn", "web", "benchmarks", "scripts", "tests")
    sources = [*(path for folder in folders for path in (ROOT / folder).rglob("*.py")), ROOT / "app.py", ROOT / "train.py"]
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in sources
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES and not is_triton_kernel(node)
    }
    assert not long


def test_every_module_says_what_it_does():
    for path in SOURCES:
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
        assert docstring, f"{path} has no docstring"

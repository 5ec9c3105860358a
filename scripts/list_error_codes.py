"""Write the tables of codes in docs/api.md from the calls that create them: `python -m scripts.list_error_codes`."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOC = ROOT / "docs" / "api.md"
BASES = {"error": "InputError", "message": "Message"}  # classes whose codes, with those of subclasses, make up a table


@dataclass(frozen=True, order=True)
class Code:
    """The code of an error or a message, with its English template, whose {name} fields are its parameters."""

    code: str
    template: str
    kind: str

    @property
    def params(self) -> list[str]:
        """Names of the parameters in order of appearance, each once."""
        return list(dict.fromkeys(re.findall(r"{(\w+)", self.template)))

    def row(self) -> str:
        """The code as a row of the table in docs/api.md."""
        params = ", ".join(f"`{name}`" for name in self.params)
        return f"| `{self.code}` | `{self.kind}` | {params} | {self.template.replace('|', chr(92) + '|')} |"


def sources() -> list[Path]:
    """All source files whose errors reach users of the API."""
    return sorted(path for folder in ("pixelcnn", "web") for path in (ROOT / folder).rglob("*.py"))


def subclasses(base: str, trees: list[ast.Module]) -> set[str]:
    """Names of a class and of all its subclasses in the sources."""
    parents = {
        node.name: {parent.id for parent in node.bases if isinstance(parent, ast.Name)}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {base}
    while added := {name for name, names in parents.items() if names & found} - found:
        found |= added
    return found


def calls(base: str) -> Iterator[tuple[Path, str, ast.Call]]:
    """Every call in the sources that creates an instance of a class or of a subclass, with the name of the class."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sources()}
    classes = subclasses(base, list(trees.values()))
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes:
                yield path, node.func.id, node


def leading_strings(call: ast.Call) -> list[str]:
    """The positional arguments of a call up to the first that is not a string literal."""
    constants = [argument.value if isinstance(argument, ast.Constant) else None for argument in call.args]
    return [value for value in takewhile(lambda value: isinstance(value, str), constants) if isinstance(value, str)]


def codes(base: str) -> list[Code]:
    """Every code in the sources, sorted; a code with several templates is there several times."""
    found = set()
    for _, kind, call in calls(base):
        strings = leading_strings(call)
        if len(strings) >= 2:
            found.add(Code(strings[0], strings[1], kind))
    return sorted(found)


def table(base: str) -> str:
    """The codes as a Markdown table."""
    return "\n".join(
        ["| code | class | parameters | message |", "|---|---|---|---|", *(code.row() for code in codes(base))]
    )


def main() -> None:
    text = DOC.read_text("utf-8")
    for name, base in BASES.items():
        start, end = f"<!-- {name} codes: start -->", f"<!-- {name} codes: end -->"
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n{table(base)}\n{end}{rest.partition(end)[2]}"
    DOC.write_text(text, "utf-8")
    print(f"wrote the codes to {DOC.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

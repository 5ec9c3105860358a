"""Write benchmarks/RESULTS.md from the JSON files in benchmarks/results: `python -m benchmarks.results [--check]`.

A file answers one question:

    question   the title of its table
    note       a paragraph above the table; may be empty
    columns    {key: title}, the columns of the table in order; "value" is among them
    hardware, command, date   defaults for all rows
    missing    what a value of null is shown as; "not measured" if not given
    rows       value is a number or null; goal is null or "<= NUMBER" or ">= NUMBER", and met says whether value
               meets it; hardware, command and date where they differ from the defaults; and the other columns

To record a new measurement, replace the numbers, hardware, command and date of its row and run the command. Files in
benchmarks/results/curves hold learning curves and are not in the tables.
"""

import argparse
import json
import string
import textwrap
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("results")
RESULTS = Path(__file__).with_name("RESULTS.md")
ORDER = (
    "nats",
    "nats_by_digit",
    "posterior",
    "quality",
    "classifier",
    "sequence_tasks",
    "sampler_goals",
    "sampler_cpu",
    "sampler_cuda",
    "kernel_cuda",
    "kernel_resources",
    "engine",
    "soak",
    "cluster",
    "page",
    "training",
    "training_speed",
)
FACTS = {"hardware": "Hardware", "command": "Command", "date": "Date"}  # above the table; with letters if rows differ
HEAD = """# Results

Written by `python -m benchmarks.results` from the JSON files in `benchmarks/results`; edit those. Each table holds the
newest measurement. Nats are -ln p of a whole picture, mean over pictures; lower is better. *DIR* is the folder with the
data sets. `recipes/` has the training commands of every entry, `benchmarks/results/curves` their learning curves, and
`docs/experiments.md` what was tried.
"""


def read_results(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """All results by name, in the order of the tables. Raises ValueError if a file is missing or not in ORDER."""
    names = {path.stem for path in folder.glob("*.json")}
    if names != set(ORDER):
        raise ValueError(f"{folder} and ORDER in benchmarks/results.py differ in {sorted(names ^ set(ORDER))}.")
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ORDER}


def meets(value: float, goal: str) -> bool:
    """Whether a value meets a goal such as "<= 78.5". Raises ValueError for a goal in another form."""
    comparison, limit = goal.split()
    if comparison not in ("<=", ">="):
        raise ValueError(f"The goal {goal!r} is in an unknown form. Write '<= NUMBER' or '>= NUMBER'.")
    return value <= float(limit) if comparison == "<=" else value >= float(limit)


def cell(value: object) -> str:
    """A table cell: `-` for null, yes or no for a bool."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("|", "\\|")


def table(result: dict[str, Any]) -> str:
    """The Markdown section of one question."""
    rows = [{name: result.get(name) for name in FACTS} | row for row in result["rows"]]
    columns, facts = dict(result["columns"]), []
    if any(row.get("goal") for row in rows):
        columns |= {"goal": "Goal", "met": "Met"}
    for name, title in FACTS.items():
        values = list(dict.fromkeys(row[name] for row in rows if row[name] is not None))
        if len(values) == 1 and all(row[name] for row in rows):
            facts.append(f"- {title}: {code(name, values[0])}")
        elif values:
            columns[name] = title
            if name != "date":
                letters = dict(zip(values, string.ascii_lowercase, strict=False))
                facts += [f"- {title} {letter}: {code(name, value)}" for value, letter in letters.items()]
                rows = [row | {name: letters.get(row[name])} for row in rows]
    missing = result.get("missing", "not measured")
    lines = [f"## {result['question']}", ""]
    if result["note"]:
        lines += [textwrap.fill(result["note"], 124, break_long_words=False, break_on_hyphens=False), ""]
    lines += [*facts, "", f"| {' | '.join(columns.values())} |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [missing if key == "value" and row[key] is None else cell(row.get(key)) for key in columns]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def code(name: str, value: str) -> str:
    """A command as code, hardware and dates as they are."""
    return f"`{value}`" if name == "command" else value


def render(results: dict[str, dict[str, Any]]) -> str:
    return "\n".join([HEAD, *map(table, results.values())])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if RESULTS.md is out of date")
    options = parser.parse_args(argv)
    text = render(read_results())
    if not options.check:
        RESULTS.write_text(text, "utf-8")
    elif RESULTS.read_text("utf-8") != text:
        raise SystemExit("benchmarks/RESULTS.md is out of date. Run python -m benchmarks.results.")


if __name__ == "__main__":
    main()

"""recipes/: one file per entry of the manifest, with commands that train.py or pixelcnn.exhibits.train accepts."""

import contextlib
import functools
import io
import os
import re
import subprocess
from pathlib import Path

import pytest

import train
from pixelcnn.exhibits import EXHIBITS
from pixelcnn.exhibits import train as train_exhibit
from pixelcnn.hub import read_manifest

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
# Entries whose recipe is written and whose weights are not trained yet.
PLANNED = {"fast_weights", "fast_weights-static", "dnc", "dnc-static"}
ENTRIES = set(read_manifest()["entries"]) | PLANNED
# Stands for python and torchrun: prints its arguments and ends, so that until_step continues with the next command.
STAND_IN = """#!/usr/bin/env bash
echo "ARGUMENTS $*"
"""


COMMANDS = {"train.py": train, "pixelcnn.exhibits.train": train_exhibit}


@functools.cache
def flags_of(program: str) -> set[str]:
    """The flags of a training command."""
    with contextlib.redirect_stdout(io.StringIO()) as text, pytest.raises(SystemExit):
        COMMANDS[program].main(["--help"])
    return set(re.findall(r"--[a-z][a-z-]*", text.getvalue()))


def test_every_entry_has_a_recipe():
    names = {path.stem for path in RECIPES.glob("*.sh")} - {"common"}
    assert names == ENTRIES


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_a_recipe_calls_a_training_command_with_its_flags_and_writes_the_entry(entry, tmp_path):
    for name in ("python", "torchrun"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "OUT": str(tmp_path)}
    environment |= {"DATA": "data", "FIRST": "first.safetensors"}
    run = subprocess.run(
        ["bash", str(RECIPES / f"{entry}.sh")], env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    calls = [line.split() for line in run.stdout.splitlines() if line.startswith("ARGUMENTS")]
    assert calls
    for call in calls:
        (program,) = set(COMMANDS) & set(call)
        assert (program == "train.py") == (entry not in EXHIBITS) and "--data data" in " ".join(call)
        ours = call[call.index(program) :]
        assert {word for word in ours if word.startswith("--")} <= flags_of(program)
    assert calls[-1][calls[-1].index("--out") + 1] == f"{tmp_path}/{entry}.safetensors"


def test_a_recipe_without_data_says_what_is_missing():
    environment = {name: value for name, value in os.environ.items() if name != "DATA"}
    run = subprocess.run(
        ["bash", str(RECIPES / "freeform.sh")], env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode and "Set DATA" in run.stderr


def test_until_step_stops_a_command_once_its_checkpoint_is_written(tmp_path):
    """The stand-in for a training reaches step 300 after about a second and would go on for ten minutes."""
    training = tmp_path / "training"
    training.write_text(
        "#!/usr/bin/env bash\n"
        "for step in $(seq 100 100 200000); do\n"
        '  echo "{\\"step\\": $step}" >> "$2/metrics.jsonl"; sleep 0.05; touch "$2/checkpoint.safetensors"; sleep 0.25\n'
        "done\n"
    )
    training.chmod(0o755)
    script = f'source "{RECIPES}/common.sh"; until_step 300 "{training}" --run "{tmp_path}"; echo continued'
    run = subprocess.run(
        ["bash", "-c", script], env=os.environ | {"DATA": "data"}, capture_output=True, text=True, timeout=30
    )
    assert "continued" in run.stdout, run.stderr
    assert '"step": 300}' in (tmp_path / "metrics.jsonl").read_text()
    assert (tmp_path / "checkpoint.safetensors").exists()

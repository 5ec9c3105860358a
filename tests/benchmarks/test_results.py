"""benchmarks/RESULTS.md and the JSON files that it is written from."""

import json
import re

import pytest

from benchmarks import results
from pixelcnn.hub import read_manifest

FIELDS = {"question", "note", "columns", "hardware", "command", "date", "rows"}
ENTRIES = read_manifest()["entries"]


def test_results_md_is_what_the_command_writes():
    results.main(["--check"])


def test_an_outdated_results_md_fails_the_check(tmp_path, monkeypatch):
    outdated = tmp_path / "RESULTS.md"
    outdated.write_text("# Results\n")
    monkeypatch.setattr(results, "RESULTS", outdated)
    with pytest.raises(SystemExit, match=r"Run python -m benchmarks\.results"):
        results.main(["--check"])
    results.main([])
    results.main(["--check"])


def test_a_file_that_is_not_in_the_order_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="other"):
        results.read_results(tmp_path)


@pytest.mark.parametrize("name", results.ORDER)
def test_every_question_has_its_fields_and_every_row_its_columns(name):
    result = results.read_results()[name]
    assert FIELDS <= set(result) <= FIELDS | {"missing"}
    assert "value" in result["columns"]
    for row in result["rows"]:
        assert set(result["columns"]) - set(row) <= {"error"} and {"goal", "met"} <= set(row)
        assert set(row) <= set(result["columns"]) | {"goal", "met", "hardware", "command", "date"}
        assert row["value"] is None or isinstance(row["value"], int | float)
        date = row.get("date", result["date"])
        assert date is None or re.fullmatch(r"\d{4}-\d\d-\d\d", date)
        assert date or row["value"] is None, "a measurement has a date"


def test_met_follows_from_value_and_goal():
    for result in results.read_results().values():
        for row in result["rows"]:
            known = row["goal"] is not None and row["value"] is not None
            assert row["met"] == (results.meets(row["value"], row["goal"]) if known else None), row


def test_meets_takes_an_upper_or_a_lower_limit():
    assert results.meets(2, "<= 2") and not results.meets(2.1, "<= 2")
    assert results.meets(2, ">= 2") and not results.meets(1.9, ">= 2")
    with pytest.raises(ValueError, match="unknown form"):
        results.meets(2, "< 2")


def test_nats_are_those_of_the_manifest():
    values = {(row["entry"], row["dataset"]): row["value"] for row in results.read_results()["nats"]["rows"]}
    for name, entry in ENTRIES.items():
        if "nats" in entry:
            assert values[name, entry["dataset"]] == pytest.approx(entry["nats"], abs=0.0051)
        if "bits_per_dim" in entry:
            assert values[name, entry["dataset"]] == pytest.approx(entry["bits_per_dim"], abs=0.00051)


def test_hardware_or_command_that_differ_between_rows_are_lettered():
    rows = [{"value": 1, "command": "x"}, {"value": 2, "command": "y"}, {"value": None, "command": None}]
    result = {"question": "Q", "note": "", "columns": {"value": "V"}, "hardware": "h", "date": "2026-01-01", "rows": rows}
    text = results.table(result)
    assert "- Command a: `x`\n- Command b: `y`\n- Date: 2026-01-01" in text and "- Hardware: h\n" in text
    assert "| 1 | a |\n| 2 | b |\n| not measured | - |\n" in text


def test_learning_curves_are_of_entries_and_ascend_in_steps():
    for path in (results.FOLDER / "curves").glob("*.json"):
        record = json.loads(path.read_text("utf-8"))
        assert record["entry"] == path.stem and path.stem in ENTRIES
        for run in record["runs"]:
            for curve in run["losses"].values() if "losses" in run else [run["validation_nats"]]:
                steps = [step for step, _ in curve]
                assert steps == sorted(set(steps))

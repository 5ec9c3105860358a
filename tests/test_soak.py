import pytest

from benchmarks.soak import soak


@pytest.mark.long
@pytest.mark.timeout(400)
def test_nothing_breaks_the_server():
    """A tenth of `python -m benchmarks.soak`: hostile requests, completions in a row, tabs closed, many people at once."""
    result = soak(0.1)
    assert result["broken"] == [], result
    assert result["hostile"]["cases"] >= 1000 and result["hostile"]["answered"] > 0

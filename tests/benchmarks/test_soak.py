"""A tenth of `python -m benchmarks.soak`."""

import pytest

from benchmarks.soak import soak


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_server_survives_attacks_and_load():
    """Malformed requests, completions in a row, closed tabs, many clients at once."""
    result = soak(0.1)
    assert result["broken"] == [], result
    assert result["hostile"]["cases"] >= 1000 and result["hostile"]["answered"] > 0

"""Commands that measure speed, quality and robustness. Each prints a table, then one JSON line."""

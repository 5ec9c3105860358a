"""The page's parts: each a Python file beside its own html, css and js."""

"""Commands that make files of the page and of the documentation."""

"""What a class shares: how to join the page, and the wall of completions."""

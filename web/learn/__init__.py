"""Training while visitors watch: the process that trains, and its routes."""

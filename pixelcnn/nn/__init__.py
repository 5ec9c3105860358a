"""Layers of the models, and the cache that computes them pixel by pixel."""

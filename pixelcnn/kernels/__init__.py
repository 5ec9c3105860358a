"""Sampling loops as Triton kernels, one model each; `fused.py` chooses among them."""

"""Triton kernels of the sampling loop, one file per model; `pixelcnn/cuda/fused.py` selects and launches them."""

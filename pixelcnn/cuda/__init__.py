"""CUDA: graphs of captured work, and fused kernels of the sampling loop."""

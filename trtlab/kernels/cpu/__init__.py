"""Kernels of the CPU device."""

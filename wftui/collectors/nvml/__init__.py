"""NVIDIA GPUs: a worker process that owns NVML, and the collector that reads what it sends."""

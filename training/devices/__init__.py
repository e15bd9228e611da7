"""Where a training computes: devices, precision, and the workers that share it."""

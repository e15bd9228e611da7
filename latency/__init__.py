"""Latency: meters, a lookup table of measured layers, and what it predicts for many networks."""

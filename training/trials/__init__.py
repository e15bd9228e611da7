"""Trials: networks measured in processes that may hang or crash, side by side on Ray.

What the baseline search and the grid search share.
"""

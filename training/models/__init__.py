"""Trained models as files: checkpoints, model files, and the names of their weights."""

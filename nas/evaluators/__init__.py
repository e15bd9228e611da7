"""Evaluators: from architectures to measurements."""

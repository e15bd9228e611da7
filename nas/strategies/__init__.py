"""Strategies: plain ask and tell, no Ray inside."""

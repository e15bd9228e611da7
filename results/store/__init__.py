"""Runs on disk: directory, record, ledger, lock, and how a run is found again."""

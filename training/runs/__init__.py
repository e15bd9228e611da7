"""Training runs: what `effsearch train` is told, checks, writes to its run directory and shows."""

"""`effsearch compare-scaling`: depth, width or resolution alone against all three together."""

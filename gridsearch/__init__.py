"""The compound coefficients: the constrained grid and the study that measures it."""

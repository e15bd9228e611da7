"""The compound coefficients: a constrained grid, its study, and one dimension against three."""

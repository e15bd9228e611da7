"""Data, recipes and the training loop that search, grid and final training share."""

"""One training: steps, optimizer, evaluation, and the loop around them."""

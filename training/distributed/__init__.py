"""One training on several workers of this machine or of a Ray cluster."""

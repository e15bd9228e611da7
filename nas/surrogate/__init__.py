"""A model of accuracy: features of networks, a kernel over them, a Gaussian process."""

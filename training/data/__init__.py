"""Images: datasets by name or path, their labels and parts, and pictures decoded."""

"""Ground floor: architectures, spaces, the networks they describe, scaling, what they cost."""

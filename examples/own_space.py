"""A space of one's own for small images, looked at before it is searched.

python examples/own_space.py
effsearch baseline --space small.yaml --target-flops 20M --cost-band 0.5
"""

from pathlib import Path

import numpy as np

import effsearch

SPACE = """
resolution: 32
classes: 10
stem: {channels: [16, 24], stride: 1}
stages:
  - {op: mbconv, channels: [16, 24], expand: [1, 3], kernel: [3, 5], layers: [1, 2]}
  - {op: mbconv, channels: [32, 48], expand: [3, 6], kernel: [3, 5], layers: [1, 2, 3], stride: 2}
  - block: [{op: identity}, {op: mbconv, kernel: 3, expand: 6}]
    channels: [64, 96]
    se: [0, 0.25]
    stride: 2
head: {channels: [256, 512]}
"""


def main(path: Path = Path("small.yaml")) -> None:
    """Write the space, and print how large it is and what some of its networks cost."""
    path.write_text(SPACE)
    space = effsearch.load_space(str(path))
    print(f"{space.size:,} networks of {len(space)} choices")
    for row in space.sample(np.random.default_rng(0), 3):
        network = space.decode(row)
        print(f"{effsearch.cost(network).macs:12,}  {effsearch.format_architecture(network)}")


if __name__ == "__main__":
    main()

"""A space of one's own for small images, looked at before it is searched.

    python examples/own_space.py

The words are those of a space file, so the same can be written in YAML.
"""

import numpy as np

import effsearch

SPACE = effsearch.make_space(
    name="small",
    resolution=32,
    classes=10,
    stem={"channels": [16, 24], "stride": 1},
    stages=[
        effsearch.stage(op="mbconv", channels=[16, 24], expand=[1, 3], kernel=[3, 5]),
        effsearch.stage(op="mbconv", channels=[32, 48], expand=[3, 6], layers=[1, 2, 3], stride=2),
        effsearch.stage(
            block=[
                effsearch.block(op="identity"),
                effsearch.block(op="mbconv", kernel=3, expand=6),
            ],
            channels=[64, 96],
            se=[0, 0.25],
            stride=2,
        ),
    ],
    head={"channels": [256, 512]},
)


def main(space: effsearch.SearchSpace = SPACE) -> None:
    """Print how large the space is, and what some of its networks cost."""
    print(f"{space.size:,} networks of {len(space)} choices")
    for row in space.sample(np.random.default_rng(0), 3):
        network = space.decode(row)
        print(f"{effsearch.cost(network).macs:12,}  {effsearch.format_architecture(network)}")
    print('then: effsearch.search_baseline(space=SPACE, target_flops="20M", cost_band=0.5)')


if __name__ == "__main__":
    main()

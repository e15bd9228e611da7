"""A family for three budgets: one baseline, grown to what a phone, a laptop and a server bear.

python examples/three_budgets.py
"""

import effsearch

BUDGETS = {"phone": 400e6, "laptop": 1.2e9, "server": 4e9}


def main(baseline: str = "efficientnet-b0") -> dict[str, effsearch.Architecture]:
    """Print and give back a network for each budget of multiply-adds."""
    network = effsearch.load_zoo(baseline)
    found = {}
    for name, budget in BUDGETS.items():
        reached = effsearch.scale_to_cost(network, "compound", budget)
        cost, off = reached.cost, reached.error
        print(f"{name:7} φ {reached.multiplier:5.2f}  {cost.macs:13,} multiply-adds ({off:+.1%})  "
              f"{cost.params:10,} parameters  {reached.architecture.resolution} px")  # fmt: skip
        found[name] = reached.architecture
    return found


if __name__ == "__main__":
    main()

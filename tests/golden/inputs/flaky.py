"""An evaluator that cannot measure every network: some fail, some are no number."""

import math


def evaluate(architecture, seed):
    if seed % 4 == 0:
        raise ValueError(f"cannot measure a network with {len(architecture.stages)} stages")
    if seed % 4 == 1:
        return math.nan
    return {"accuracy": round((seed % 1000) / 1000, 3), "grams": seed % 7}

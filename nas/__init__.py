"""The baseline search: objective, strategies, evaluators, the Ray Tune driver."""

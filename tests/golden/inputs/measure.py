"""An evaluator that trains nothing: larger networks are better, and the seed decides the noise."""


def evaluate(architecture, seed):
    layers = sum(stage.layers for stage in architecture.stages)
    channels = sum(stage.channels for stage in architecture.stages)
    noise = (seed % 1000) / 50_000
    return round(0.4 + 0.02 * layers + 0.003 * channels + noise, 6)

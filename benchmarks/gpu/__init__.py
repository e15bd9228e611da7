"""The mission on one card, leg by leg: `python -m benchmarks.gpu`.

Needs the checkout and torch, timm, numpy, scipy, pandas, scikit-learn, pyarrow, matplotlib and
safetensors; neither Ray nor Optuna nor fvcore. A leg ends within its minutes, can be run alone,
goes on where it stopped, and keeps all it has found in `gpu_<leg>.json` after every measurement.
`--rehearse` runs the same legs in miniature on a CPU.
"""

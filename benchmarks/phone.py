"""Stands in for a phone: runs an ONNX file with ONNX Runtime on one thread, prints milliseconds.

    effsearch profile efficientnet-b0 --latency-command "python -m benchmarks.phone {onnx}"

It is the whole of what a latency command has to do: a line a run, on stdout.
"""

import sys
import time

import numpy as np
import onnxruntime

RUNS = 15
WARM_UP = 5


def main() -> None:
    """Run the file named on the command line."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m benchmarks.phone NETWORK.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    images = np.random.default_rng(0).random(wanted.shape, np.float32)
    for turn in range(WARM_UP + RUNS):
        started = time.thread_time()  # a phone does not share its core with our trainings
        session.run(None, {wanted.name: images})
        if turn >= WARM_UP:
            print(f"{1e3 * (time.thread_time() - started):.3f}")


if __name__ == "__main__":
    main()

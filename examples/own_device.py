"""A device of one's own, reached by a command: it is given an ONNX file and prints milliseconds.

    effsearch profile efficientnet-b0 --latency-command "python examples/own_device.py {onnx}"

The device here is ONNX Runtime with one thread. For a phone, copy the file there and run it there:
whatever prints a line of milliseconds a run will do.
"""

import sys
import time

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
wanted = session.get_inputs()[0]
images = np.zeros(wanted.shape, np.float32)
session.run(None, {wanted.name: images})  # the first run is slow
for _ in range(10):
    started = time.perf_counter()
    session.run(None, {wanted.name: images})
    print(1000 * (time.perf_counter() - started))

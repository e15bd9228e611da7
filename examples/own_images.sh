#!/usr/bin/env bash
# Your images from end to end: a baseline, how it grows, the family, a trained member, an ONNX file.
#
#     examples/own_images.sh photos
#
# SEARCH, GRID and TRAIN hold further options of the three long commands, such as SEARCH="--samples 200".
set -euo pipefail
images=$1

effsearch baseline --target-flops 400M --data "$images" --finalists 3 ${SEARCH:-}
effsearch report baseline
effsearch coefficients --phi 1 --data "$images" ${GRID:-}
effsearch scale --phi 0..3
effsearch train --phi 1 --data "$images" --epochs 30 ${TRAIN:-}
effsearch evaluate train --data "$images"
effsearch export train --format onnx --output model.onnx

"""Kills at random moments: nothing finished is lost or done twice, and the answer stays the same.

`python -m benchmarks.faults` stops real commands by KILL, TERM, HUP and INT, alone and with all
their processes, goes on with each, and compares what comes out with a run that was never stopped.
"""

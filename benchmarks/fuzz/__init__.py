"""Damaged and absurd input: every command ends with an exit code of its own and says why in a line.

`python -m benchmarks.fuzz` draws inputs from a seed and runs the program on each in a process of
its own: command lines, settings and spaces in YAML, networks in notation, tables of images, and
every file of every kind of run. What it looks for: tracebacks, crashes, hangs, control characters
on the terminal, and a damaged run that hides a sound one.
"""

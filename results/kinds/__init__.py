"""One file a kind of run: its table, what lists and reports say of it, its plots, what resumes it.

Kinds are found by `effsearch.results.kinds.registry`, which imports one when it is asked for.
"""

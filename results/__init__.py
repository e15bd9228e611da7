"""What a run leaves behind: its directory, the ledger of its trials, tables and exports.

Light to import: pandas is loaded only where a data frame is asked for.
"""

"""The engine and the command line.

Floor and roof in one folder: `model` at the bottom knows nothing of ours, `cli` at the top knows
everything; `checks`, `remediations`, `reports` and `runner` sit between them.
`tests/test_layers.py` holds the order.
"""

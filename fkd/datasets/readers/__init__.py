"""One reader for each layout on disk: each tells whether it recognises a folder, and its samples.

Add one by writing a module with `recognises` and `samples` and naming it in `fkd.datasets.root`.
"""

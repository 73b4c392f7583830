"""Trained models: what one answers, what its file says about itself, opening it, the packaged ones.

A network is a torch module (`fkd.training.networks`); a model is a trained one as a file or as a
function from crops to a `ModelOutput`.
"""

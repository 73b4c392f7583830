"""Searching the parameters of training with Optuna."""

"""The DVC stages, one thin script each, and the one module that imports MLflow."""

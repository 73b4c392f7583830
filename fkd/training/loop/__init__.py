"""The training loop. It knows faces, a network and numbers, not files of the pipeline or MLflow."""

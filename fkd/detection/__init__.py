"""Finding faces in a photo."""

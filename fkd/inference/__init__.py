"""From photos and videos to faces: `Predictor`, `Tracker`, and what the command line does."""

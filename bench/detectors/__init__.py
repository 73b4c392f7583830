"""`make bench-detectors`: the face detectors of this project beside others."""

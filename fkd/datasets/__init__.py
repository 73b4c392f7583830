"""Labelled faces: readers, the split by person, preparing, and the store of prepared faces."""

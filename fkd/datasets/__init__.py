"""Labelled faces: one reader per layout on disk, the split by person, the prepared store."""

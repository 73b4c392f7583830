"""Scenes: pictures with any number of faces, put together from heads and backgrounds."""

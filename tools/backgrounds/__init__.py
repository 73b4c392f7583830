"""Backgrounds for synthetic scenes: freely licensed pictures without people, out of packages."""

"""Tensors as bytes."""

import io
from typing import Any

import torch


def serialized(values: Any) -> bytes:
    """What `torch.save` would write to a file; when a disk is full, it would not say so."""
    buffer = io.BytesIO()
    torch.save(values, buffer)
    return buffer.getvalue()

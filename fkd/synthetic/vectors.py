"""Small linear algebra as sums in a fixed order, so that every processor gives the same bits.

`@`, `np.dot` and `np.linalg.norm` of one vector call BLAS, whose kernels differ between processors
in the order of their sums and in fused multiplications.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Dot products (...) of vectors (..., K) with vectors (K,) or (..., K)."""
    total = a[..., 0] * b[..., 0]
    for k in range(1, a.shape[-1]):
        total = total + a[..., k] * b[..., k]
    return np.asarray(total)


def transform(vectors: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Row vectors (..., K) times a matrix (K, M): (..., M), as `vectors @ matrix`."""
    return np.stack([dot(vectors, column) for column in matrix.T], axis=-1)


def length(vectors: NDArray[Any]) -> NDArray[Any]:
    """Lengths (...) of vectors (..., K)."""
    return np.asarray(np.sqrt(dot(vectors, vectors)))


def normalize(vectors: NDArray[Any]) -> NDArray[Any]:
    """Vectors (..., K) at length 1; zero stays zero."""
    return np.asarray(vectors / (length(vectors)[..., None] + np.float32(1e-6)))

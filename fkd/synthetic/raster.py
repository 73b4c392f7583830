"""The rasterizer: triangles to pixels with a depth buffer, compiled by numba.

Screen coordinates: x right and y down in pixels with the picture's corner at (0, 0), so that the
first pixel's centre lies at (0.5, 0.5); depth grows towards the viewer.
"""

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

EMPTY_DEPTH = np.float32(-1e9)  # of a pixel that no triangle covers


@numba.njit(cache=True, error_model="numpy")
def rasterize(
    screen: FloatArray, triangles: IntArray, height: int, width: int, cull: bool
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The nearest triangle under each pixel centre.

    screen: float32 (V, 3), pixels x and y, depth (greater is nearer). triangles: int32 (T, 3).
    cull: leave out triangles that show their back. Returns triangle ids int32 (H, W), -1 for none,
    barycentric weights of corners 1 and 2 float32 (H, W, 2), and depth float32 (H, W).
    """
    ids = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 2), np.float32)
    depth = np.full((height, width), EMPTY_DEPTH, np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = screen[a, 0], screen[a, 1], screen[a, 2]
        bx, by = screen[b, 0] - x0, screen[b, 1] - y0
        cx, cy = screen[c, 0] - x0, screen[c, 1] - y0
        area = bx * cy - cx * by
        if area == 0 or (cull and area > 0):  # y points down, so a front turns clockwise
            continue
        left = max(int(np.ceil(x0 + min(0.0, bx, cx) - 0.5)), 0)
        right = min(int(np.floor(x0 + max(0.0, bx, cx) - 0.5)), width - 1)
        top = max(int(np.ceil(y0 + min(0.0, by, cy) - 0.5)), 0)
        bottom = min(int(np.floor(y0 + max(0.0, by, cy) - 0.5)), height - 1)
        if left > right or top > bottom:
            continue
        bz, cz = screen[b, 2] - z0, screen[c, 2] - z0
        inverse = 1.0 / area
        u_step, v_step = cy * inverse, -by * inverse
        for y in range(top, bottom + 1):
            dy = y + 0.5 - y0
            dx = left + 0.5 - x0
            u = (dx * cy - cx * dy) * inverse
            v = (bx * dy - dx * by) * inverse
            for x in range(left, right + 1):
                if u >= 0 and v >= 0 and u + v <= 1:
                    z = z0 + u * bz + v * cz
                    if z > depth[y, x]:
                        depth[y, x] = z
                        ids[y, x] = t
                        weights[y, x, 0] = u
                        weights[y, x, 1] = v
                u += u_step
                v += v_step
    return ids, weights, depth


@numba.njit(cache=True, error_model="numpy")
def interpolate(
    ids: IntArray, weights: FloatArray, triangles: IntArray, attributes: FloatArray
) -> FloatArray:
    """Vertex attributes (V, K) at the covered pixels: float32 (P, K), in row-major pixel order.

    ids, weights: as `rasterize` returns them. The interpolation is linear in the picture.
    """
    height, width = ids.shape
    covered = 0
    for y in range(height):
        for x in range(width):
            covered += ids[y, x] >= 0
    interpolated = np.empty((covered, attributes.shape[1]), np.float32)
    p = 0
    for y in range(height):
        for x in range(width):
            t = ids[y, x]
            if t < 0:
                continue
            u, v = weights[y, x, 0], weights[y, x, 1]
            w = 1 - u - v
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            for k in range(attributes.shape[1]):
                interpolated[p, k] = (
                    w * attributes[a, k] + u * attributes[b, k] + v * attributes[c, k]
                )
            p += 1
    return interpolated


@numba.njit(cache=True, error_model="numpy")
def vertex_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """Unit normals float32 (V, 3): the area-weighted mean of the triangles around a vertex."""
    normals = np.zeros_like(vertices)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-12)
        normals[i, 0] = x / length
        normals[i, 1] = y / length
        normals[i, 2] = z / length
    return normals

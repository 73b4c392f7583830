"""What the OpenAPI description says beside the signatures."""

from typing import Any

PICTURE = {"schema": {"type": "string", "format": "binary"}}
EXAMPLE = {
    "schema": 2,
    "image": "body",
    "width": 512,
    "height": 512,
    "model": "base",
    "backend": "onnx",
    "faces": [
        {
            "box": [177, 66, 95, 95],
            "score": 0.97,
            "points": [[179.41, 103.2], [180.02, 115.87]],
            "confidence": [0.61, 0.58],
        }
    ],
    "milliseconds": {"detect": 21.5, "crop": 0.2, "points": 2.4, "decode": 3.1},
}
ERROR = {
    "description": "Not served, and why",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "string"}},
            },
            "example": {"error": "the body is not a picture that can be read"},
        }
    },
}
# 400 is another host's name or a body cut off, 403 another site's page.
REFUSED: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 403, 408, 413, 415, 422, 503, 504), ERROR
)
LANDMARKS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": PICTURE,
            "image/png": PICTURE,
            "application/octet-stream": PICTURE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": PICTURE["schema"]},
                }
            },
        },
    },
    "responses": {
        "200": {
            "description": "The faces, surest first; two of each face's 68 points are shown here",
            "content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}},
        }
    },
}

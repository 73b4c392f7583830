"""Response models of the web interface, and what else its OpenAPI description says."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from fkd.geometry.crop import CropSpec
from fkd.inference.pipeline import MAX_DETECTIONS

# Of a FastAPI route, by status, beside what its response model says.
Responses = dict[int | str, dict[str, Any]]


class FaceSchema(BaseModel):
    """A face."""

    box: tuple[int, int, int, int] = Field(description="x, y, width, height; pixels of the picture")
    roll: float = Field(
        description="By how much the face was turned upright for the network, degrees clockwise in "
        "the picture; 0 for a face that was upright enough"
    )
    score: float | None = Field(
        description="Probability that the box frames a face, 0..1; null for a model without scores"
    )
    points: list[tuple[float, float]] = Field(description="68 times x, y; pixels of the picture")
    confidence: list[float] | None = Field(
        description="Probability, for each point, that it is right: no further from its true place "
        "than 5 % of the distance between the outer corners of the eyes; null like the score"
    )
    visible: list[float] | None = Field(
        description="Probability, for each point, that nothing hides it; null, as are depth and "
        "pose, for a model that has not learned them"
    )
    depth: list[float] | None = Field(
        description="How much further from the camera each point is than their mean; pixels of the "
        "picture"
    )
    pose: "PoseSchema | None" = Field(description="How the head is turned")


class PoseSchema(BaseModel):
    """How a head is turned, degrees; all 0 for a face that looks straight into the camera."""

    yaw: float = Field(description="Positive where the face turns to its own left")
    pitch: float = Field(description="Positive where it looks down")
    roll: float = Field(description="Positive clockwise in the picture")


class LandmarksSchema(BaseModel):
    """The faces of a picture, highest score first."""

    schema_version: int = Field(alias="schema", description="Version of this JSON")
    image: str = Field(description="Always body")
    width: int = Field(description="Of the picture, pixels")
    height: int = Field(description="Of the picture, pixels")
    several_pictures: bool = Field(
        description="Whether the file has more pictures, frames or pages, than the first, which "
        "was read"
    )
    model: str = Field(
        description="Name of the model; of one from a registry, the version that answered: "
        "models:/fkd/3"
    )
    backend: str = Field(description="What ran the model")
    faces: list[FaceSchema] = Field(description="Highest score first")
    detections_skipped: int = Field(
        description="Boxes of the detector that were not examined, because a picture may have "
        f"{MAX_DETECTIONS}"
    )
    min_face: int = Field(
        description="Smallest side of a face box that was searched for, pixels of the picture"
    )
    milliseconds: dict[str, float] = Field(description="Time of each step")


class HistogramSchema(BaseModel):
    """Counts of values."""

    edges: list[float] = Field(description="Ends of the bins, but for the first and last")
    counts: list[int] = Field(description="Values up to each edge, and above the last")


class ModelSchema(BaseModel):
    """A model, and what a page needs to show its results."""

    models: list[str] = Field(description="Names of all models of this server")
    contours: list[tuple[int, int, bool]] = Field(
        description="Lines through the points: first, one past the last, whether closed"
    )
    name: str = Field(description="Name of the model on this server")
    version: str | None = Field(
        description="Of a model from a registry, the version that answers now: models:/fkd/3"
    )
    notice: str | None = Field(description="Licence of the weights where it is not the code's")
    crop: CropSpec = Field(description="How a face box becomes the network's input")
    model: str = Field(description="Name of the network")
    about: dict[str, str] = Field(description="Run, commit, training data and licences")
    scores: dict[str, dict[str, dict[str, int | float]]] = Field(
        description="By test set, then source of the boxes, then metric"
    )
    min_score: float | None = Field(description="Lowest score of a face, 0..1")
    histograms: dict[str, HistogramSchema] = Field(
        description="Of the validation faces, by measure; none for a model that carries none"
    )


class HealthSchema(BaseModel):
    """The server answers."""

    status: Literal["ok"] = Field(description="Always ok")


class ErrorSchema(BaseModel):
    """Why a request was not served."""

    error: str = Field(description="One sentence")


LANDMARKS_EXAMPLE = {
    "schema": 2,
    "image": "body",
    "width": 512,
    "height": 512,
    "several_pictures": False,
    "model": "base",
    "backend": "onnx",
    "faces": [
        {
            "box": [177, 66, 95, 95],
            "roll": 0.0,
            "score": 0.97,
            "points": [[179.41, 103.2], [180.02, 115.87]],
            "confidence": [0.61, 0.58],
            "visible": [0.93, 0.95],
            "depth": [31.4, 28.9],
            "pose": {"yaw": -3.1, "pitch": 6.2, "roll": 1.4},
        }
    ],
    "detections_skipped": 0,
    "min_face": 28,
    "milliseconds": {"detect": 21.5, "crop": 0.2, "points": 2.4, "decode": 3.1},
}
LANDMARKS_OK: Responses = {200: {"content": {"application/json": {"example": LANDMARKS_EXAMPLE}}}}
METRICS_OK: Responses = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
ERRORS = {
    400: "Unknown host name, or a body that was cut off",
    403: "Sent by a page of another site",
    408: "The body took too long to arrive",
    413: "Too many bytes or pixels",
    415: "Not a picture of a format that is read",
    422: "A broken picture or form, an unknown model, or a smallest face that is too small",
    503: "The server is busy; Retry-After says when to try again",
    504: "The picture took too long",
}


def errors(*statuses: int) -> Responses:
    """The responses of some statuses of ERRORS."""
    return {status: {"model": ErrorSchema, "description": ERRORS[status]} for status in statuses}


_PICTURE = {"schema": {"type": "string", "format": "binary"}}
# The body is read by hand, within limits (`body`), so FastAPI cannot know it.
PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": _PICTURE,
            "image/png": _PICTURE,
            "application/octet-stream": _PICTURE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _PICTURE["schema"]},
                }
            },
        },
    }
}

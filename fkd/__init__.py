"""68 facial keypoints from photos: `Predictor()(image)` gives a list of `Face`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkd.inference.chip import face_chip
    from fkd.inference.face import Face
    from fkd.inference.predictor import Predictor
    from fkd.inference.tracker import Tracker

__all__ = ["Face", "Predictor", "Tracker", "__version__", "face_chip"]


_HOMES = {
    "Face": "fkd.inference.face",
    "Predictor": "fkd.inference.predictor",
    "Tracker": "fkd.inference.tracker",
    "face_chip": "fkd.inference.chip",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are first asked for: importing `fkd` does no work."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("fkd")
    raise AttributeError(f"module 'fkd' has no attribute {name!r}")

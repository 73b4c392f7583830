"""68 facial keypoints from photos: `Predictor()(image)` gives a list of `Face`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkd.predictor import Face, Predictor
    from fkd.track import Tracker

__all__ = ["Face", "Predictor", "Tracker", "__version__"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are first asked for: importing `fkd` does no work."""
    if name in ("Face", "Predictor"):
        from fkd import predictor

        return getattr(predictor, name)
    if name == "Tracker":
        from fkd.track import Tracker

        return Tracker
    if name == "__version__":
        from importlib.metadata import version

        return version("fkd")
    raise AttributeError(f"module 'fkd' has no attribute {name!r}")

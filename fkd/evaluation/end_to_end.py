"""What a user gets: photos in, faces out, and every face that is missed a failure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fkd.datasets.store import LabelledFace
from fkd.detection.detections import Detection, Detector, match_detection
from fkd.evaluation.metrics import Floats, auc, failure_rate, nme
from fkd.geometry.crop import CropSpec
from fkd.geometry.roll import Frame
from fkd.inference.face import Face
from fkd.inference.pipeline import Pipeline
from fkd.inference.timing import StepTimer
from fkd.models.output import Model


@dataclass(frozen=True)
class EndToEnd:
    """nme: float64 (N,), percent, of the face that was found on each annotated one; infinite where
    it was missed. threshold: NME in percent above which a face fails.
    """

    nme: Floats
    threshold: float

    def figures(self) -> dict[str, float]:
        """Faces; recall, 0..1; NME over the faces found; and over all faces AUC and the percentage
        that fails, a missed face counting as a failure."""
        found = self.nme[np.isfinite(self.nme)]
        return {
            "faces": len(self.nme),
            "recall": round(len(found) / len(self.nme), 4),
            **({"nme": round(float(found.mean()), 3)} if len(found) else {}),
            "auc": round(auc(self.nme, self.threshold), 4),
            "failure_rate": round(failure_rate(self.nme, self.threshold), 2),
        }


def end_to_end(
    faces: Sequence[LabelledFace],
    model: Model,
    crop: CropSpec,
    min_score: float | None,
    threshold: float,
    detector: Detector,
) -> EndToEnd:
    """Search each face's whole photo as `Predictor` does with this detector."""
    pipeline = Pipeline(model, crop, detector, min_score)
    found = [pipeline.search(np.asarray(face.grey), StepTimer()).faces for face in faces]
    errors = [_error(face, there) for face, there in zip(faces, found, strict=True)]
    return EndToEnd(np.array(errors), threshold)


def _error(truth: LabelledFace, found: Sequence[Face]) -> float:
    """NME in percent of the found face that lies on the annotated one, infinite for none."""
    by_box = {face.reference_box: face for face in found}
    detections = [Detection(Frame(box)) for box in by_box]
    match = match_detection(detections, truth.reference_box)
    if match is None:
        return float("inf")
    return float(nme(by_box[match.box].points[None], truth.points[None])[0])

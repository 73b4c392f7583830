"""What a model finds in its validation faces, for its file: what is served is compared with it."""

from collections.abc import Sequence

from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import predict
from fkd.geometry.crop import CropSpec
from fkd.geometry.pose import Pose
from fkd.inference.drift import MEASURES, histograms_of, measures_of
from fkd.inference.face import Face
from fkd.models.histograms import Histogram
from fkd.models.output import Model


def validation_histograms(
    faces: Sequence[LabelledFace], model: Model, spec: CropSpec, min_score: float | None
) -> dict[str, Histogram]:
    """Histograms of MEASURES over validation faces (at least one), in the boxes that training uses.
    min_score: those of a lower score are left out, as they would not be found; None for none."""
    boxes = [face.box for face in faces]
    output = predict(faces, boxes, model, spec)
    found = [
        Face(
            output.points[i],
            box,
            None if output.score is None else float(output.score[i]),
            None if output.confidence is None else output.confidence[i],
            pose=None if output.pose is None else Pose(*output.pose[i].tolist()),
        )
        for i, box in enumerate(boxes)
        if output.score is None or min_score is None or output.score[i] >= min_score
    ]
    edges = {name: measure.edges for name, measure in MEASURES.items()}
    return histograms_of([measures_of(face) for face in found], edges)

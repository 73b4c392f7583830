"""Knowledge distillation: a smaller network learns a trained model's points beside the labels."""

from dataclasses import replace

from fkd.datasets.store import LabelledFace
from fkd.evaluation.scoring import predict
from fkd.geometry.crop import CropSpec
from fkd.models.output import Model


def distilled(faces: list[LabelledFace], teacher: Model, crop: CropSpec) -> list[LabelledFace]:
    """The faces with points halfway between their labels and what a teacher, fed by `crop`, answers
    on the plain picture: what the pixels do not tell, such as a jaw under hair, a small network
    should not be made to guess.
    """
    answers = predict(faces, [face.box for face in faces], teacher, crop).points
    return [
        replace(face, points=(face.points + answer) / 2)
        for face, answer in zip(faces, answers, strict=True)
    ]

"""A trained model whose answers a smaller one learns beside the labels."""

from dataclasses import replace

from fkd.certainty import Network
from fkd.datasets.store import Face
from fkd.evaluate import predict
from fkd.preprocess import CropSpec


def taught(faces: list[Face], teacher: Network, crop: CropSpec) -> list[Face]:
    """The faces with points halfway between their labels and what a model, fed by `crop`, answers
    on the plain photo: what the pixels do not tell, such as a jaw under hair, a small network
    should not be made to guess.
    """
    answers = predict(faces, [face.box for face in faces], teacher, crop).points
    return [
        replace(face, points=(face.points + answer) / 2)
        for face, answer in zip(faces, answers, strict=True)
    ]

"""The parameters of scenes: the section `scenes` of params.yaml."""

from typing import Annotated

from pydantic import AfterValidator, Field

from fkd.io.config import Section

Probability = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
LARGEST_STRIDE = 32


def _whole_strides(side: int) -> int:
    if side % LARGEST_STRIDE:
        raise ValueError(f"{side} is not a multiple of {LARGEST_STRIDE}")
    return side


class SceneParams(Section):
    """What a scene is like. Sides of faces are those of their boxes."""

    side: Annotated[
        int,
        Field(gt=0, description=f"Of the square scene, pixels, a multiple of {LARGEST_STRIDE}."),
        AfterValidator(_whole_strides),
    ]
    smallest_face: Annotated[
        float, Field(gt=0, description="Side, pixels; smaller ones are neither faces nor none.")
    ]
    largest_face: Annotated[
        float, Field(gt=0, le=4, description="Side of the largest face, in sides of the scene.")
    ]
    empty_prob: Annotated[Probability, Field(description="Of a scene without a person.")]
    more_people_mean: Annotated[
        NonNegative, Field(description="Mean number of people beside the first.")
    ]
    crowd_prob: Annotated[
        Probability, Field(description="Of a crowd: up to 12 people of about one size.")
    ]
    roll_std: Annotated[NonNegative, Field(description="Standard deviation of the roll, degrees.")]
    any_roll_prob: Annotated[
        Probability, Field(description="Of a person whose roll is any angle instead.")
    ]
    body_prob: Annotated[Probability, Field(description="Of a clothed body below a head.")]
    portrait_prob: Annotated[
        Probability,
        Field(description="Of a portrait in place of a rendered head, where there are any."),
    ]
    jumbled_prob: Annotated[
        Probability,
        Field(description="Of a head whose face is taken apart, so that it is none."),
    ]
    hidden_prob: Annotated[
        Probability, Field(description="Of a hand, a mask or a thing before a face.")
    ]
    contrast_std: Annotated[NonNegative, Field(description="Standard deviation of the log gain.")]
    gamma_std: Annotated[NonNegative, Field(description="Standard deviation of the log of gamma.")]
    blur_prob: Annotated[Probability, Field(description="Of a blur, by focus or by motion.")]
    downscale_prob: Annotated[Probability, Field(description="Of fewer pixels.")]
    noise_prob: Annotated[Probability, Field(description="Of sensor noise.")]
    jpeg_prob: Annotated[Probability, Field(description="Of JPEG compression.")]
    margin_prob: Annotated[
        Probability,
        Field(description="Of a black margin, as a picture that is not square has one."),
    ]

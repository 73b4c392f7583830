"""Sections of a recipe that describe the photo: pose, light, surroundings and degradation."""

from typing import Annotated

from pydantic import Field

from fkd.io.config import Section
from fkd.synthetic.recipe_types import (
    Degrees,
    Fraction,
    NonNegative,
    Positive,
    Probability,
    Range,
    Std,
    StdPair,
)

Quality = Annotated[int, Field(ge=0, le=100)]
Beyond = Annotated[float, Field(gt=2)]
Ratio = Annotated[float, Field(gt=0, le=1)]


class Pose(Section):
    """How heads are turned, and where they are in the picture. Angles are normal about zero (pitch
    about its mean) and cut off at their limits."""

    yaw_std: Std = Field(description="Standard deviation of the yaw, degrees.")
    uniform_yaw_prob: Probability = Field(
        description="Probability that the yaw is sampled uniformly instead, for more turned heads."
    )
    uniform_yaw: Range[Degrees] = Field(description="Range of that yaw, degrees.")
    yaw_limit: Degrees = Field(ge=0, description="Largest normal yaw to either side, degrees.")
    pitch_mean: Degrees = Field(description="Mean pitch, degrees; positive looks down.")
    pitch_std: Std = Field(description="Standard deviation of the pitch, degrees.")
    pitch_limit: Degrees = Field(ge=0, description="Largest pitch up or down, degrees.")
    roll_std: Std = Field(description="Standard deviation of the roll, degrees.")
    roll_limit: Degrees = Field(ge=0, description="Largest roll to either side, degrees.")
    camera_distance: Range[Beyond] = Field(
        description="Of the camera from the face, decimetres, uniform in its logarithm."
    )
    face_size: Range[Ratio] = Field(
        description="Longer side of the 68 points' bounding box over the picture's side."
    )
    off_centre_std: Std = Field(
        description="Of the box's centre about the picture's, across and down, picture sides."
    )


class Light(Section):
    """One or two distant light sources and an uneven sky; radiance without unit, as the exposure
    sets the brightness."""

    second_source_prob: Probability = Field(description="Probability of a second light source.")
    strength: Range[NonNegative] = Field(description="Radiance of a source.")
    ambient: Range[NonNegative] = Field(description="Mean radiance of the sky.")
    sky_harmonics_std: StdPair = Field(
        description="Of the sky's spherical harmonics of first and second order, over its mean."
    )
    sky_from_above: Range[float] = Field(
        description="Added to the first-order harmonic that brightens the sky above."
    )
    shininess: Range[Positive] = Field(description="Exponent of Blinn-Phong highlights.")
    specular_prob: Probability = Field(description="Probability of highlights on the skin.")
    specular: Range[NonNegative] = Field(description="Strength of the highlights.")
    shadow_blur: Range[Positive] = Field(
        description="Gaussian blur of cast shadows, pixels of the supersampled picture."
    )
    exposure: Range[Positive] = Field(description="Brightness, 0..1, of the lit skin before gamma.")
    gamma: Range[Positive] = Field(description="Gamma of the camera's tone curve.")


class Scene(Section):
    """What is behind the person, and what hides the face."""

    gradient_prob: Probability = Field(
        description="Probability that the background is a smooth gradient; else it is noise."
    )
    shapes_mean: NonNegative = Field(description="Mean number of shapes on the background.")
    blur_prob: Probability = Field(description="Probability of a blurred background.")
    blur: Range[NonNegative] = Field(
        description="Gaussian blur of the background, pixels of the supersampled picture."
    )
    brightness: Range[NonNegative] = Field(description="Factor on the background.")
    occluder_prob: Probability = Field(description="Probability of something before the face.")
    hand_prob: Probability = Field(description="Probability that it is a hand.")


class Degradation(Section):
    """What the camera and the file do to the picture, in the order of the keys."""

    contrast_prob: Probability = Field(description="Probability of other contrast and brightness.")
    contrast: Range[NonNegative] = Field(description="Factor on the contrast about mid-grey.")
    brightness_std: Std = Field(description="Of the shift of brightness, part of full scale.")
    blur_prob: Probability = Field(description="Probability of a Gaussian blur.")
    blur: Range[Positive] = Field(description="Standard deviation of the blur, pixels.")
    downscale_prob: Probability = Field(description="Probability of a low resolution.")
    downscale: Range[Ratio] = Field(description="The resolution over the picture's size.")
    motion_blur_prob: Probability = Field(description="Probability of motion blur.")
    motion_blur: int = Field(ge=1, le=99, description="Length of the streak, pixels.")
    noise_prob: Probability = Field(description="Probability of sensor noise.")
    noise: Range[Fraction] = Field(
        description="Standard deviation of the noise, part of full scale."
    )
    jpeg_prob: Probability = Field(description="Probability of JPEG compression.")
    jpeg: Range[Quality] = Field(description="JPEG quality, 0..100.")

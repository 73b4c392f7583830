"""Sections of a recipe that describe people: their heads, expressions, skin, hair and glasses."""

from typing import Self

from pydantic import Field, model_validator

from fkd.io.config import Section
from fkd.synthetic.recipe_types import (
    Fraction,
    NonNegative,
    Positive,
    Probability,
    Range,
    Std,
    StdPair,
    StdTriple,
    check_exclusive,
)


class Identity(Section):
    """The shape of heads. A trait is a morph target of the head that is used, or its opposite."""

    child_prob: Probability = Field(description="Probability of a child or a youth.")
    young_prob: Probability = Field(description="Of a young adult; the others are older.")
    trait_prob: Probability = Field(description="Probability of each trait.")
    trait_std: Range[Std] = Field(
        description="Standard deviation of one person's trait weights, sampled for each person."
    )
    asymmetry_prob: Probability = Field(description="Probability of each asymmetric target.")
    asymmetry: Range[NonNegative] = Field(description="Weight of an asymmetric target, 0..1.")
    stretch_std: StdTriple = Field(
        description="Of the factors that stretch the head sideways, upward and forward."
    )
    mean_head_fit_mean: float = Field(
        description="Mean weight of the fit to 300-W's mean shape; 1 is the fitted mean head."
    )
    mean_head_fit_std: Std = Field(description="Standard deviation of that weight.")

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        check_exclusive(self, "child_prob", "young_prob")
        return self


class Expression(Section):
    """What faces do. Strengths are weights of ARKit face units, 1 for the whole movement."""

    smile_prob: Probability = Field(description="Probability of a smile.")
    smile: Range[NonNegative] = Field(description="Strength of a smile.")
    smile_teeth_prob: Probability = Field(description="Probability that a smile shows teeth.")
    smile_open_prob: Probability = Field(description="Probability that a smile opens the jaw.")
    smile_open: Range[NonNegative] = Field(description="Strength of a smile's open jaw.")
    mouth_open_prob: Probability = Field(description="Probability of an open mouth, no smile.")
    mouth_open: Range[NonNegative] = Field(description="Strength of the open jaw.")
    frown_prob: Probability = Field(description="Probability of lowered corners of the mouth.")
    pucker_prob: Probability = Field(description="Probability of puckered lips.")
    mixed_prob: Probability = Field(
        description="Probability of one to four random face units; the other mouths are neutral."
    )
    brows_up_prob: Probability = Field(description="Probability of raised eyebrows.")
    brows_down_prob: Probability = Field(description="Probability of lowered eyebrows.")
    eyes_closed_prob: Probability = Field(description="Probability of closed eyes.")
    eyes_closed: Range[NonNegative] = Field(description="Strength of a blink of closed eyes.")
    eyes_drooping_prob: Probability = Field(description="Probability of drooping upper lids.")
    eyes_drooping: Range[NonNegative] = Field(description="Strength of a blink of drooping lids.")
    eyes_wide_prob: Probability = Field(description="Probability of wide open eyes.")
    eyes_squint_prob: Probability = Field(description="Probability of narrowed eyes.")
    gaze_std: StdPair = Field(
        description="Of the gaze across and up, as tangents of its angle to the head's direction."
    )
    crease_prob: Probability = Field(description="Probability of one more random facial muscle.")

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        mouths = "smile_prob", "mouth_open_prob", "frown_prob", "pucker_prob", "mixed_prob"
        check_exclusive(self, *mouths)
        check_exclusive(self, "brows_up_prob", "brows_down_prob")
        eyes = "eyes_closed_prob", "eyes_drooping_prob", "eyes_wide_prob", "eyes_squint_prob"
        check_exclusive(self, *eyes)
        return self


class Skin(Section):
    """The colour and the texture of the skin. Amplitudes are parts of the skin's albedo."""

    albedo: Range[Positive] = Field(description="Albedo, 0..1, uniform in its logarithm.")
    mottle: Range[NonNegative] = Field(description="Amplitude of coarse noise.")
    grain: Range[NonNegative] = Field(description="Amplitude of fine noise.")
    wrinkles_prob: Probability = Field(description="Probability of noise in horizontal folds.")
    wrinkles: Range[NonNegative] = Field(description="Amplitude of the folds.")
    freckles_prob: Probability = Field(description="Probability of many freckles.")
    spots_prob: Probability = Field(description="Probability of a few spots instead.")
    eye_shadows_prob: Probability = Field(description="Of a shadow around an eye, each.")
    eye_shadows: Range[float] = Field(
        description="How much a shadow darkens the skin, as a part of it; negative brightens."
    )
    laugh_lines_prob: Probability = Field(description="Probability of nasolabial folds.")
    laugh_lines: Range[Fraction] = Field(description="How much a fold darkens, part of the skin.")
    lips: Range[NonNegative] = Field(description="Albedo of the lips over the skin's.")
    dark_lips_prob: Probability = Field(description="Probability of lipstick: 0.2 to 0.5 of it.")
    lashes_prob: Probability = Field(description="Probability of visible eyelashes.")

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        check_exclusive(self, "freckles_prob", "spots_prob")
        return self


class Brows(Section):
    """Where eyebrows lie and how they look. A texture is 512 pixels high: 22 centimetres."""

    drop_mean: float = Field(
        description="Mean downward shift from the mean head's, texture pixels."
    )
    drop_std: Std = Field(description="Standard deviation of that shift, texture pixels.")
    arch_std: Std = Field(description="Of the middle's shift against the ends, texture pixels.")
    tilt_std: Std = Field(description="Of the shift of the ends against each other, likewise.")
    stretch_std: Std = Field(description="Standard deviation of the factor on the length.")
    thickness: Range[Positive] = Field(description="Thickness, texture pixels.")
    darkness: Range[Fraction] = Field(description="How much of the skin's light a brow takes.")
    faint_prob: Probability = Field(description="Probability of hardly visible eyebrows.")
    density: Range[Fraction] = Field(description="Density of the hair; 1 has no gaps.")


class Hair(Section):
    """Hair on the head, beards and hats."""

    none_prob: Probability = Field(description="Probability of a shaven head.")
    bald_prob: Probability = Field(description="Probability that a man's crown is bald.")
    albedo: Range[Positive] = Field(description="Albedo, 0..1, uniform in its logarithm.")
    thickness: Range[Positive] = Field(description="Height over the scalp, decimetres.")
    fringe_prob: Probability = Field(description="Probability of a fringe on the forehead.")
    long_prob_female: Probability = Field(description="Probability of a woman's long hair.")
    long_prob_male: Probability = Field(description="Probability of a man's long hair.")
    beard_prob: Probability = Field(description="Probability of a man's beard or stubble.")
    beard_volume_prob: Probability = Field(description="Of a beard that stands off the skin.")
    hat_prob: Probability = Field(description="Probability of a cap or a bonnet.")
    brim_prob: Probability = Field(description="Probability that a hat has a brim.")


class Glasses(Section):
    """Glasses and sunglasses."""

    prob: Probability = Field(description="Probability of glasses.")
    sunglasses_prob: Probability = Field(description="Probability that they are sunglasses.")
    rimless_prob: Probability = Field(description="Probability that the lenses have no rims.")
    thickness: Range[NonNegative] = Field(
        description="Thickness of the frame, pixels of the supersampled picture."
    )

"""What the drawn faces are like: recipe.yaml as frozen dataclasses.

A range is drawn from evenly; `*_share` is a probability, `*_sd` a standard deviation. Lengths on
the head are decimetres, texture lengths are texture pixels, brightness is 0..1, angles degrees.
"""

from dataclasses import dataclass
from pathlib import Path

from fkd.params import build, read_yaml

Range = tuple[float, float]


@dataclass(frozen=True)
class Identity:
    """child, young (else young to old): shares of ages. trait: a shape target that is used, and
    the spread of weights of one person. stretch_sd: of the head along x, y, z. calibration: how
    much of the fit to 300-W's mean shape a person gets.
    """

    child_share: float
    young_share: float
    trait_share: float
    trait_sd: Range
    asymmetry_share: float
    asymmetry: Range
    stretch_sd: tuple[float, float, float]
    calibration_mean: float
    calibration_sd: float


@dataclass(frozen=True)
class Expression:
    """Shares of mouths (the rest is neutral), of brows and of lids, with their strengths.

    gaze_sd: across and down, tangent of the angle. crease: one more facial muscle at random.
    """

    smile_share: float
    smile: Range
    smile_teeth_share: float
    smile_open_share: float
    smile_open: Range
    open_share: float
    open: Range
    frown_share: float
    pucker_share: float
    mixed_share: float
    brows_up_share: float
    brows_down_share: float
    closed_share: float
    closed: Range
    drooping_share: float
    drooping: Range
    wide_share: float
    squint_share: float
    gaze_sd: tuple[float, float]
    crease_share: float


@dataclass(frozen=True)
class Pose:
    """Head turns, degrees: normal about zero (pitch, positive down, about `pitch_mean`), `turned`
    evenly for a share of the yaws. distance: of the camera, which is level with the middle of the
    points. face_share: the points' longer side over the picture. off_centre_sd: of their box, over
    the picture.
    """

    yaw_sd: float
    turned_share: float
    turned: Range
    yaw_limit: float
    pitch_mean: float
    pitch_sd: float
    pitch_limit: float
    roll_sd: float
    roll_limit: float
    distance: Range
    face_share: Range
    off_centre_sd: float


@dataclass(frozen=True)
class Light:
    """One or two lamps over an uneven sky, and the camera's exposure of the skin.

    uneven_sd: of the sky's first and second spherical harmonics. gloss: exponent. shadow_blur:
    picture pixels before shrinking. exposure: brightness of lit skin. gamma: of the tone curve.
    """

    second_share: float
    strength: Range
    ambient: Range
    uneven_sd: tuple[float, float]
    from_above: Range
    gloss: Range
    shine_share: float
    shine: Range
    shadow_blur: Range
    exposure: Range
    gamma: Range


@dataclass(frozen=True)
class Skin:
    """albedo: drawn evenly in its logarithm. mottle, grain, bands: amplitudes of noise, coarse,
    fine and in folds. sockets: darkening around the eyes. lips: albedo over the skin's.
    """

    albedo: Range
    mottle: Range
    grain: Range
    bands_share: float
    bands: Range
    freckles_share: float
    spots_share: float
    sockets_share: float
    sockets: Range
    laugh_lines_share: float
    laugh_lines: Range
    lips: Range
    dark_lips_share: float
    lashes_share: float


@dataclass(frozen=True)
class Brows:
    """Texture pixels, but stretch (ratio), darkness and density (0..1). drop_mean: downward."""

    drop_mean: float
    drop_sd: float
    arch_sd: float
    tilt_sd: float
    stretch_sd: float
    thickness: Range
    darkness: Range
    faint_share: float
    density: Range


@dataclass(frozen=True)
class Hair:
    """albedo: drawn evenly in its logarithm; thickness: of the hair over the scalp. Beards and
    baldness are shares of men.
    """

    none_share: float
    bald_share: float
    albedo: Range
    thickness: Range
    fringe_share: float
    long_share_female: float
    long_share_male: float
    beard_share: float
    beard_volume_share: float
    hat_share: float
    brim_share: float


@dataclass(frozen=True)
class Glasses:
    """thickness: of the frame, picture pixels before shrinking."""

    share: float
    sun_share: float
    rimless_share: float
    thickness: Range


@dataclass(frozen=True)
class Scene:
    """Background: noise or a smooth gradient (share) with `shapes` on average; things in front."""

    smooth_share: float
    shapes: float
    blur_share: float
    blur: Range
    dim: Range
    occluder_share: float
    hand_share: float


@dataclass(frozen=True)
class Damage:
    """What the camera and the file do. blur: pixels. low_resolution: over the size. motion: length
    of the streak, pixels. noise: share of full scale. jpeg: quality.
    """

    contrast_share: float
    contrast: Range
    brightness_sd: float
    blur_share: float
    blur: Range
    low_resolution_share: float
    low_resolution: Range
    motion_share: float
    motion: int
    noise_share: float
    noise: Range
    jpeg_share: float
    jpeg: Range


@dataclass(frozen=True)
class Recipe:
    """count faces of size x size pixels, drawn `supersample` times finer; face i depends on the
    seed and i alone.
    """

    count: int
    seed: int
    size: int
    supersample: int
    identity: Identity
    expression: Expression
    pose: Pose
    light: Light
    skin: Skin
    brows: Brows
    hair: Hair
    glasses: Glasses
    scene: Scene
    damage: Damage


def load_recipe(path: Path) -> Recipe:
    """The checked contents of a recipe file. Raises ParamsError that names the key at fault."""
    return build(Recipe, read_yaml(path), path.name)

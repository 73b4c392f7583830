"""The parameters of training: the section `train` of params.yaml."""

from typing import Annotated

from pydantic import AfterValidator, Field

from fkd.geometry.crop import CropSpec
from fkd.io.config import Section, one_of
from fkd.training.augment import AugmentParams
from fkd.training.loop.schedule import OPTIMIZERS, SCHEDULES
from fkd.training.losses import LOSSES
from fkd.training.networks import NETWORKS, STRIDE, TRAINABLE

PRECISIONS = ("fp32", "bf16")
ENGINES = ("local", "ray")


def _whole_strides(size: int) -> int:
    if size % STRIDE:
        raise ValueError(f"{size} is not a multiple of {STRIDE}")
    return size


class CropParams(Section):
    """How a face box becomes the network's input."""

    size: Annotated[
        int,
        Field(gt=0, description=f"Side of the square crop, pixels, a multiple of {STRIDE}."),
        AfterValidator(_whole_strides),
    ]
    scale: Annotated[
        float, Field(gt=0, description="Side of the square that is cut, in sides of the box.")
    ]
    shift_y: Annotated[
        float,
        Field(
            ge=-1,
            le=1,
            description="How far the square's centre lies below the box's centre, in box sides.",
        ),
    ]

    def spec(self) -> CropSpec:
        """The same for `crop_face`."""
        return CropSpec(self.size, self.scale, self.shift_y)


class TrainParams(Section):
    """The network, its loss and the loop."""

    network: Annotated[
        str, one_of(NETWORKS), Field(description="Its name in fkd/training/networks.py.")
    ]
    crop: Annotated[CropParams, Field(description="How a face box becomes the network's input.")]
    init: Annotated[
        str,
        Field(
            description="A packaged model or an .onnx file to start from, of the same network and "
            "crop; its batch norms stay frozen, and the result is never worse on the validation "
            "faces. Empty for random weights."
        ),
    ]
    trainable: Annotated[
        str,
        one_of(TRAINABLE),
        Field(
            description="What learns: all of the network, or only the head that tells what is "
            "visible, depth and pose, so that the points of train.init stay as they are."
        ),
    ]
    loss: Annotated[str, one_of(LOSSES), Field(description="Its name in fkd/training/losses.py.")]
    heatmap_weight: Annotated[
        float,
        Field(
            ge=0,
            description="Weight of the divergence between heatmaps and Gaussians, for networks "
            "with heatmaps.",
        ),
    ]
    view_weight: Annotated[
        float,
        Field(
            ge=0,
            description="Weight of what synthetic faces teach besides: which points are visible, "
            "their depth, and the pose.",
        ),
    ]
    optimizer: Annotated[
        str, one_of(OPTIMIZERS), Field(description="Its name in fkd/training/loop/schedule.py.")
    ]
    lr: Annotated[float, Field(gt=0, description="Learning rate at its highest.")]
    weight_decay: Annotated[float, Field(ge=0, description="Of the optimiser.")]
    schedule: Annotated[
        str,
        one_of(SCHEDULES),
        Field(description="Of the learning rate: its name in fkd/training/loop/schedule.py."),
    ]
    warmup: Annotated[
        float, Field(ge=0, lt=1, description="Fraction of the training that is warm-up.")
    ]
    batch_size: Annotated[int, Field(gt=0, description="Faces in a batch.")]
    epochs: Annotated[int, Field(gt=0, description="Passes over the training faces.")]
    min_faces_per_epoch: Annotated[
        int,
        Field(
            ge=0,
            description="An epoch of fewer faces shows all of them several times, until it has "
            "this many; at most 20 times.",
        ),
    ]
    ema_decay: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Decay of the exponential moving average of the weights, which is what is "
            "validated and kept; 0 for none.",
        ),
    ]
    patience: Annotated[
        int,
        Field(
            ge=0,
            description="Epochs without a better validation score before stopping; 0 for never.",
        ),
    ]
    teacher: Annotated[
        str,
        Field(
            description="A packaged model or an .onnx file to distil: its points are averaged with "
            "the labels; empty for none."
        ),
    ]
    seed: Annotated[int, Field(ge=0, description="Of weights, order and augmentation.")]
    precision: Annotated[
        str, one_of(PRECISIONS), Field(description="Of the network's arithmetic: fp32 or bf16.")
    ]
    engine: Annotated[
        str,
        one_of(ENGINES),
        Field(
            description="What starts the processes that train together: local for this one alone, "
            "or those of torchrun; ray for a Ray cluster's, of RAY_ADDRESS or on this machine."
        ),
    ]
    world_size: Annotated[
        int,
        Field(
            ge=1,
            description="How many processes train together by Ray; they share each batch. torchrun "
            "has an option of its own.",
        ),
    ]
    intra_op_threads: Annotated[
        int, Field(ge=0, description="Threads of torch; 0 for its own choice.")
    ]
    num_workers: Annotated[
        int,
        Field(
            ge=0,
            description="Processes that augment; 0, in the training process itself, is fastest on "
            "two cores, and a GPU wants a dozen.",
        ),
    ]
    oversampling: Annotated[
        dict[str, Annotated[int, Field(ge=1)]],
        Field(description="How often an epoch shows the faces of a subset; once unless named."),
    ]
    label_offset_px: Annotated[
        dict[str, float],
        Field(
            description="How far right of the face a subset's labels lie, pixels of the photo; a "
            "flipped copy keeps it; 0 unless named."
        ),
    ]
    augment: Annotated[AugmentParams, Field(description="Random changes of a training face.")]

"""The parameters of the detector's training: the section `train_detector` of params.yaml."""

from typing import Annotated

from pydantic import Field

from fkd.io.config import Section


class DetectorParams(Section):
    """How the detector learns."""

    init: Annotated[
        str,
        Field(
            description="A detector's .onnx file to start from, or neural for the packaged one; "
            "empty for random weights."
        ),
    ]
    epochs: Annotated[int, Field(ge=1, description="How many epochs.")]
    scenes_per_epoch: Annotated[int, Field(ge=1, description="Scenes that an epoch shows.")]
    batch_size: Annotated[int, Field(ge=1, description="Scenes of a step.")]
    lr: Annotated[float, Field(gt=0, description="Largest learning rate, of AdamW.")]
    weight_decay: Annotated[float, Field(ge=0, description="Of AdamW.")]
    warmup: Annotated[
        float, Field(ge=0, lt=1, description="Fraction of the steps in which the rate rises.")
    ]
    ema_decay: Annotated[
        float, Field(ge=0, lt=1, description="Of the moving average of the weights, a step.")
    ]
    val_scenes: Annotated[int, Field(ge=1, description="Scenes of held-out heads that score it.")]
    seed: Annotated[int, Field(ge=0, description="Of weights and scenes.")]
    num_workers: Annotated[
        int, Field(ge=0, description="Processes that compose scenes; 0 is the training's own.")
    ]

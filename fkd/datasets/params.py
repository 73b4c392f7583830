"""The sections `data` and `prepare` of params.yaml: which faces there are, and how they end up."""

from typing import Annotated

from pydantic import Field

from fkd.io.config import Section, one_of

ENGINES = ("local", "ray")


class DataParams(Section):
    """Which faces are trained on and which are scored."""

    root: Annotated[
        str, Field(description="Folder of data sets, or one data set, to train and test on.")
    ]
    add_synthetic: Annotated[
        bool, Field(description="Whether the synthetic faces of data/synthetic are mixed in.")
    ]
    licence: Annotated[
        str,
        Field(
            description="Licence of the photos under data.root, which a model that learned from "
            "them carries; empty where it is not known."
        ),
    ]
    unlabelled: Annotated[
        str,
        Field(
            description="Folder of photos without labels, whose faces a teacher labels for the "
            "training; one without photos for none."
        ),
    ]
    unlabelled_licence: Annotated[
        str,
        Field(
            description="Licence of those photos, which a model that learned from them carries; "
            "'CC0 or public domain' asks for nothing; empty where it is not known."
        ),
    ]
    test_root: Annotated[
        str,
        Field(
            description="Folder of data sets whose test faces are scored besides those of "
            "data.root; the same folder for no others."
        ),
    ]


class PrepareParams(Section):
    """What becomes of the photos before training."""

    min_face: Annotated[
        int,
        Field(ge=1, description="Smallest face kept, side of the points' bounding square, pixels."),
    ]
    max_face: Annotated[
        int, Field(ge=1, description="Photos of larger faces are shrunk to this box side, pixels.")
    ]
    margin: Annotated[
        float,
        Field(
            ge=1,
            description="Side of the face chip that is stored, in box sides; augmentation moves "
            "inside it. Of test faces the whole photo is stored.",
        ),
    ]
    val_fraction: Annotated[
        float, Field(gt=0, lt=1, description="Fraction of the people held out for validation.")
    ]
    test_fraction: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Fraction of the people held out for testing, where a set has no official "
            "test of new people.",
        ),
    ]
    seed: Annotated[int, Field(ge=0, description="Of the split.")]
    faces_per_shard: Annotated[
        int,
        Field(
            ge=1,
            description="So many samples make one file of prepared faces, which is written whole "
            "or not at all; those left out are missing in it.",
        ),
    ]
    store: Annotated[
        str,
        Field(
            description="fsspec URI of a folder for those files, such as s3://bucket/faces; empty "
            "for data/prepared, which holds their table in any case."
        ),
    ]
    engine: Annotated[
        str,
        one_of(ENGINES),
        Field(
            description="What prepares: local for processes of this machine, ray for a Ray "
            "cluster, of RAY_ADDRESS or on this machine. The faces are the same."
        ),
    ]
    num_workers: Annotated[
        int,
        Field(
            ge=0, description="Processes that prepare; 0 is one for each core. Not those of Ray."
        ),
    ]


# What `fkd score` prepares with unless told otherwise: the values of this project's params.yaml.
DEFAULT_PREPARE = PrepareParams(
    min_face=32,
    max_face=288,
    margin=2.0,
    val_fraction=0.06,
    test_fraction=0.14,
    seed=1,
    faces_per_shard=1000,
    store="",
    engine="local",
    num_workers=0,
)

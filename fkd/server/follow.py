"""Following a registry: what an alias names now replaces what it named before."""

import threading
import warnings
from collections.abc import Callable, Mapping, MutableMapping

from fkd.inference.predictor import LicenceWarning, Predictor
from fkd.models.metadata import ModelError
from fkd.models.registered import exact_version

# Between two looks at the registry, each of which is one short call.
SECONDS = 5.0


def follow(
    predictors: MutableMapping[str, Predictor],
    models: Mapping[str, str],
    opened: Callable[[str], Predictor],
    say: Callable[[str], None],
    stopped: threading.Event,
    seconds: float = SECONDS,
) -> None:
    """Put a new predictor in its place whenever a model of `models`, names in a registry by the
    server's names, means another version, until `stopped`. What has begun with the predictor before
    ends with it. What cannot be opened is said once, and the one before stays.
    """
    said = dict.fromkeys(models, "")
    while not stopped.wait(seconds):
        for name, model in models.items():
            try:
                version = exact_version(model)
                if version != predictors[name].version:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", LicenceWarning)
                        predictors[name] = opened(version)
                    say(f"{model} is {version} now")
                said[name] = ""
            except ModelError as error:
                if str(error) != said[name]:
                    said[name] = str(error)
                    say(f"{error}; {predictors[name].version} goes on")

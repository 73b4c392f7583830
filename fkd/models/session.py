"""Opening a model file. The only place that knows onnxruntime, and the backends by name."""

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fkd.io.text import printable
from fkd.models.metadata import ModelError, ModelInfo, from_metadata
from fkd.models.output import Model, ModelOutput, checked

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

# A backend opens a file, with a number of threads (0: its own choice): "module:function". By name,
# because torch is imported only where it was asked for.
BACKENDS = {
    "onnx": "fkd.models.session:open_onnx",
    "torch": "fkd.training.backend:open_torch",
}

# What the names of onnxruntime's execution providers end in, and the one of the processor.
PROVIDER = "ExecutionProvider"
CPU = "CPU"
FLOATS = "tensor(float)"
# What a model may answer: points alone, with confidence and score, with what it tells of the view.
OUTPUTS = tuple(ModelOutput._fields[:count] for count in (1, 3, 6))
# A model is tried when it is opened, on so many crops; it takes milliseconds.
TRIAL_CROPS = 2
TRIAL_SECONDS = 10.0


def open_model(
    path: Path,
    backend: str = "onnx",
    threads: int = 0,
    providers: Sequence[str] | None = None,
) -> tuple[Model, ModelInfo]:
    """A model file as a function of crops, and what it says about itself. Raises ModelError, also
    when what the backend needs is not installed, and ValueError for providers (`open_onnx`) that
    cannot be chosen."""
    if providers is not None:
        if backend != "onnx":
            raise ValueError(f"providers: are those of backend onnx, not of {backend}")
        return open_onnx(path, threads, providers)
    module, function = BACKENDS[backend].split(":")
    try:
        opened: Callable[[Path, int], tuple[Model, ModelInfo]] = getattr(
            import_module(module), function
        )
    except ModuleNotFoundError as error:
        from fkd.io.extras import install_hint  # takes 40 ms

        raise ModelError(
            f"backend {backend}: {error.name} is not installed; {install_hint('train')}"
        ) from None
    return opened(path, threads)


def open_onnx(
    path: Path, threads: int = 0, providers: Sequence[str] | None = None
) -> tuple[Model, ModelInfo]:
    """`open_model` for .onnx files. The model may be called from several threads; it raises
    ModelError for an answer that is no 68 points (`checked`).

    providers: onnxruntime's execution providers in order of preference, with or without
    "ExecutionProvider" behind their names; by default the processor. Raises ValueError for one that
    the installed onnxruntime has not, ModelError when it cannot be started.
    """
    session = open_session(path, threads, providers)
    info = from_metadata(metadata_of(session, path), str(path))
    size = info.crop.size
    _check_interface(session, size, path)
    model = checked(lambda pixels: _run(session, pixels), str(path))

    def trial(options: "RunOptions") -> None:
        answer = checked(lambda pixels: _run(session, pixels, options), str(path))
        answer(np.zeros((TRIAL_CROPS, 1, size, size), np.uint8))

    try_model(trial, path)
    return model, info


def _provider_names(providers: Sequence[str]) -> list[str]:
    """Execution providers as onnxruntime calls them. Raises ValueError for one that it has not."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    names = [f"{name.removesuffix(PROVIDER)}{PROVIDER}" for name in providers]
    for given, name in zip(providers, names, strict=True):
        if name not in available:
            short = ", ".join(one.removesuffix(PROVIDER) for one in available)
            raise ValueError(f"providers: {given!r} is not one of this onnxruntime's, {short}")
    return names


def open_session(
    path: Path, threads: int = 0, providers: Sequence[str] | None = None
) -> "InferenceSession":
    """A file's graph, ready to run; `open_onnx` says what threads and providers are and what is
    raised."""
    import onnxruntime

    names = _provider_names(providers or [CPU])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Threads that spin while they wait take the cores from the cascade's: a photo of 19 ms on two
    # cores takes 14 without, though a crop alone takes 2.2 instead of 1.7.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(path, sess_options=options, providers=names)
    except Exception as error:  # onnxruntime has a class of its own for every way to fail
        raise ModelError(
            f"{path}: not an ONNX model that can be run ({_first_line(error)})"
        ) from None
    # One that does not start, such as CUDA without its libraries, is left out without a word.
    started = session.get_providers()
    if missing := [name for name in names if name not in started]:
        raise ModelError(f"providers: {missing[0]} is in this onnxruntime but cannot be started")
    return session


def metadata_of(session: "InferenceSession", path: Path) -> Mapping[str, str]:
    """What the file says about itself. Raises ModelError."""
    try:
        return dict(session.get_modelmeta().custom_metadata_map)
    except UnicodeDecodeError:
        raise ModelError(f"{path}: its metadata is not UTF-8") from None


def _check_interface(session: "InferenceSession", size: int, path: Path) -> None:
    """Raises ModelError when the file's inputs and outputs are not those of the export."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != FLOATS:
        raise ModelError(f"{path}: one input of floats is expected")
    batch, *shape = inputs[0].shape
    if isinstance(batch, int) or shape != [1, size, size]:
        raise ModelError(f"{path}: its input is not any number of crops of 1x{size}x{size}")
    names = tuple(output.name for output in outputs)
    if names not in OUTPUTS or any(output.type != FLOATS for output in outputs):
        known = ", or ".join(", ".join(of) for of in OUTPUTS)
        raise ModelError(f"{path}: its outputs are not {known}, of floats")


def try_model(trial: "Callable[[RunOptions], None]", path: Path) -> None:
    """Run a model once, within a time limit; `trial` runs it with the options that it is given.
    Raises ModelError when it fails."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4
    timer = threading.Timer(TRIAL_SECONDS, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        trial(options)
    except ModelError:
        raise
    except Exception as error:
        if options.terminate:
            raise ModelError(f"{path}: a trial took more than {TRIAL_SECONDS:g} seconds") from None
        raise ModelError(f"{path}: a trial failed ({_first_line(error)})") from None
    finally:
        timer.cancel()


def _run(
    session: "InferenceSession", pixels: NDArray[np.uint8], options: object = None
) -> ModelOutput:
    feed = {session.get_inputs()[0].name: pixels.astype(np.float32)}
    return ModelOutput(*session.run(None, feed, options))


def _first_line(error: Exception) -> str:
    return printable(str(error).strip().split("\n")[0][:160])

"""One target under atheris, until it has a finding or the time is over.

python -m fuzz.one NAME SECONDS FINDINGS CORPUS: what is found goes into the folder FINDINGS, as
NAME-crash-..., NAME-oom-... or NAME-timeout-...; the exit status is 0 without it. Inputs that reach
new code go into the folder CORPUS, which is empty at first.
"""

import logging
import sys
from pathlib import Path
from random import Random

# Whose branches guide the search: the code under test, and the Python that reads formats for it.
INSTRUMENTED = [
    "fkd",
    "PIL",
    "yaml",
    "python_multipart",
    "starlette",
    "h11",
    "wsproto",
    "websockets",
]
MAX_BYTES = 1 << 16
SECONDS_PER_INPUT = 20


def fuzz(name: str, seconds: int, findings: Path, corpus: Path) -> None:
    """Run a target; atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz.targets import load_target

        target = load_target(name)

    def mutate(data: bytes, max_bytes: int, seed: int) -> bytes:
        random = Random(seed)
        known = hasattr(target, "mutate") and random.random() < 0.8
        changed = target.mutate(data, random) if known else b""
        return changed if 0 < len(changed) <= max_bytes else atheris.Mutate(data, max_bytes)

    logging.getLogger("fkd").setLevel(logging.ERROR)  # training names every damaged state
    for number, seed in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "max_len": MAX_BYTES,
        "timeout": SECONDS_PER_INPUT,
        "report_slow_units": SECONDS_PER_INPUT,
        "artifact_prefix": f"{findings}/{name}-",
        "verbosity": 0,
        "print_final_stats": 1,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)],
        target.check,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))

"""Every target in turn, or one finding again.

python -m fuzz MINUTES divides the time among the targets; the exit status is 1 when one of them had
a finding. python -m fuzz FILE runs the target of a finding on it, without atheris.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.targets import NAMES, load_target

FINDINGS = Path(__file__).parent / "findings"
# To start, to run the seeds and to end; whatever still runs then hangs.
SPARE_SECONDS = 120


def fuzz_all(minutes: float, names: list[str] = NAMES, findings: Path = FINDINGS) -> list[Path]:
    """The inputs that were found, at most one for each target; says one line a target."""
    findings.mkdir(exist_ok=True)
    seconds = max(1, round(60 * minutes / len(names)))
    return [path for name in names for path in _fuzz(name, seconds, findings)]


def _fuzz(name: str, seconds: int, findings: Path) -> list[Path]:
    """What one target, in a process of its own, found; its log where it did not end well."""
    log, before = findings / f"{name}.log", set(findings.iterdir())
    with tempfile.TemporaryDirectory() as corpus, log.open("wb") as output:
        command = [sys.executable, "-W", "ignore", "-m", "fuzz.one"]
        running = subprocess.Popen(
            [*command, name, str(seconds), findings, corpus], stdout=output, stderr=output
        )
        try:
            status = running.wait(seconds + SPARE_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            status = running.wait()
    if status == 0:
        print(f"{name}: nothing found in {seconds} s, {_runs(log)} inputs", flush=True)
        log.unlink()
        return []
    found = sorted(set(findings.iterdir()) - before - {log}) or [log]
    print(f"{name}: {found[0]}, log {log}", flush=True)
    return found


def _runs(log: Path) -> str:
    *_, runs = log.read_text(errors="replace").partition("number_of_executed_units:")
    return runs.split()[0]


def rerun(finding: Path) -> None:
    """Raise what the target raises for a finding."""
    name = finding.name.split("-")[0]
    load_target(name).check(finding.read_bytes())
    print(f"{name}: nothing wrong with {finding}")


if __name__ == "__main__":
    if Path(sys.argv[1]).is_file():
        rerun(Path(sys.argv[1]))
    else:
        sys.exit(1 if fuzz_all(float(sys.argv[1])) else 0)

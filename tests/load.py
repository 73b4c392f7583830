"""Sixteen clients for a minute against `fkd serve`: `make load`. Linux only (reads /proc)."""

import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
from serving import fkd_serve

CLIENTS, WARM_SECONDS, SECONDS, PORT = 16, 10.0, 60.0, 8765
PHOTO = (Path(__file__).parents[1] / "docs" / "astronaut.png").read_bytes()


def client(address: str, until: float, answers: list[tuple[int, float]], errors: list[str]) -> None:
    """Post the photo repeatedly; after a 503, wait as long as the server says."""
    with httpx.Client(timeout=30) as http:
        while time.monotonic() < until:
            started = time.monotonic()
            try:
                answer = http.post(f"{address}/v1/landmarks", content=PHOTO)
            except httpx.TransportError as error:
                errors.append(repr(error))
                continue
            answers.append((answer.status_code, time.monotonic() - started))
            if answer.status_code == 503:
                time.sleep(float(answer.headers["retry-after"]))


def load(address: str, seconds: float) -> tuple[list[tuple[int, float]], list[str]]:
    """Status and seconds of each answer, and what was not answered."""
    answers: list[tuple[int, float]] = []
    errors: list[str] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(address, until, answers, errors))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, errors


def megabytes(process: subprocess.Popen[bytes], key: str) -> float:
    """Memory of a process: VmRSS, what is resident now, or VmHWM, the most that ever was."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split(f"{key}:")[1].split()[0]) / 1024


def main() -> None:
    """Run, report, and fail when a request is not answered properly or memory grows."""
    with fkd_serve(PORT) as (address, server):
        idle = megabytes(server, "VmRSS")
        load(address, WARM_SECONDS)  # libraries allocate with the first pictures
        before = megabytes(server, "VmRSS")
        answers, errors = load(address, SECONDS)
        after, peak = megabytes(server, "VmRSS"), megabytes(server, "VmHWM")
    statuses = Counter(status for status, _ in answers)
    served = np.array([taken for status, taken in answers if status == 200])
    median, p99 = 1000 * np.quantile(served, [0.5, 0.99])
    print(
        f"{CLIENTS} clients, {SECONDS:.0f} s: {dict(statuses)}, {len(errors)} not answered; "
        f"200s: {len(served) / SECONDS:.0f} per second, median {median:.0f} ms, p99 {p99:.0f} ms; "
        f"memory {idle:.0f} MB idle, {before:.0f} MB before, {peak:.0f} MB at its peak, "
        f"{after:.0f} MB after"
    )
    if errors or set(statuses) - {200, 503} or after > 1.1 * before:
        raise SystemExit(f"load: failed ({errors[:3]})")


if __name__ == "__main__":
    main()

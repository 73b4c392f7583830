"""Sixteen clients for thirty seconds against `fkd serve`: `make load`. Linux only (reads /proc)."""

import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
from serving import fkd_serve

CLIENTS, SECONDS, PORT = 16, 30.0, 8765
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


def megabytes(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    """Run, report, and fail when a request is not answered properly or memory grows."""
    answers: list[tuple[int, float]] = []
    errors: list[str] = []
    with fkd_serve(PORT) as (address, server):
        until = time.monotonic() + SECONDS
        threads = [
            threading.Thread(target=client, args=(address, until, answers, errors))
            for _ in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 3)
        early = megabytes(server)
        for thread in threads:
            thread.join()
        late = megabytes(server)
    statuses = Counter(status for status, _ in answers)
    served = np.array([taken for status, taken in answers if status == 200])
    median, p99 = 1000 * np.quantile(served, [0.5, 0.99])
    print(
        f"{CLIENTS} clients, {SECONDS:.0f} s: {dict(statuses)}, {len(errors)} not answered; "
        f"200s: {len(served) / SECONDS:.0f} per second, median {median:.0f} ms, p99 {p99:.0f} ms; "
        f"memory {early:.0f} MB after a third, {late:.0f} MB at the end"
    )
    if errors or set(statuses) - {200, 503} or late > 1.1 * early:
        raise SystemExit(f"load: failed ({errors[:3]})")


if __name__ == "__main__":
    main()

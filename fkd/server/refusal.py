"""A request that is not served: a status code and one sentence."""


class Refusal(Exception):
    """status: of HTTP. reason: one sentence for the caller. retry_after: seconds, for 503."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after

"""What the commands say about an extra that is not installed."""

from fkd.io.extras import install_hint as install_hint

"""The child's side of `embedded_aws`: ministack, which goes when its parent does."""

import os
from pathlib import Path

from infra.embedded_aws import ANNOUNCEMENT
from infra.lifeline import leave_with_the_parent


def main() -> None:
    """Serve until SIGTERM or until the parent is gone."""
    leave_with_the_parent()
    _announce_the_port(Path(os.environ[ANNOUNCEMENT]))
    from ministack.app import main as serve  # type: ignore[import-untyped]

    serve()


def _announce_the_port(file: Path) -> None:
    """Make a file once the port is ours: who answers on it before that is somebody else."""
    from hypercorn.config import Config, Sockets

    bind = Config.create_sockets

    def listen(config: Config) -> Sockets:
        sockets = bind(config)
        for each in sockets.insecure_sockets:
            # Two may bind, only one may listen.
            each.listen(config.backlog)
        file.touch()
        return sockets

    Config.create_sockets = listen  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    main()

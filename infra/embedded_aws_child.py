"""The child's side of `embedded_aws`: ministack, which goes when its parent does."""

from infra.lifeline import leave_with_the_parent


def main() -> None:
    """Serve until SIGTERM or until the parent is gone."""
    leave_with_the_parent()
    from ministack.app import main as serve  # type: ignore[import-untyped]

    serve()


if __name__ == "__main__":
    main()

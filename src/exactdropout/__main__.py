"""``python -m exactdropout``."""

from exactdropout.cli.main import run

if __name__ == "__main__":
    raise SystemExit(run())

"""The command line: one module a command. Every command parses, calls and prints; nothing else."""

from __future__ import annotations

import os
import sys

EXIT_INPUT = 2  # 3, 4 and 5 are those of holdfast.report.gate
EXIT_INTERRUPTED = 130


def main() -> None:
    """The entry point `holdfast`."""
    try:
        from holdfast.cli.app import app  # inside, since a second of imports can be interrupted too

        app()
    except KeyboardInterrupt:
        interrupted()
    except BrokenPipeError:  # the reader of our output has gone, as in `holdfast methods | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def fail(message: str) -> None:
    """Say what is wrong with the input and leave with exit code 2."""
    from holdfast.audit.load import safe_text

    _say(f"holdfast: {safe_text(message, 2000)}")
    sys.exit(EXIT_INPUT)


def interrupted(said: str = "No report was written.") -> None:
    """Ctrl-C: say so and leave with the exit code that shells expect."""
    _say(f"\nInterrupted. {said}")
    sys.exit(EXIT_INTERRUPTED)


def _say(message: str) -> None:
    print(message, file=sys.stderr)

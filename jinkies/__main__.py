"""``python -m jinkies`` is the ``jinkies`` command."""

from __future__ import annotations

import sys

from jinkies.cli import main

if __name__ == "__main__":
    sys.exit(main())

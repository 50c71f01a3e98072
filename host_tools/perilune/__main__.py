"""`python -m perilune` is the command `perilune`."""

import sys

from .cli import main

sys.exit(main())

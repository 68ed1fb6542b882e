"""Runs the command as `python -m precis_client.cli`."""

import sys

from precis_client.cli import main

sys.exit(main())

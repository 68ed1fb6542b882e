"""Runs Locust with our users: `python -m loadtest --headless --users 8 --run-time 30s`."""

import sys
from pathlib import Path

from locust.main import main

sys.argv[1:1] = ["--locustfile", str(Path(__file__).with_name("locustfile.py"))]
main()

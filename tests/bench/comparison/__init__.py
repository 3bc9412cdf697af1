"""What `./dev compare` is made of; tests/bench/compare.py runs it."""

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tests/system"))  # harness: php-fpm, programs, ports

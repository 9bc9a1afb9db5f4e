"""What the Python checks share: a list of checks, run in order, each reported on a line."""

import os
import sys
import time
import traceback
import uuid

BOOTSTRAP = os.environ["BOOTSTRAP"]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]

_checks = []


def check(name):
    """Registers a function as a check; it fails by raising."""

    def register(function):
        _checks.append((name, function))
        return function

    return register


def unique(prefix):
    """A name for a topic or group that no other run uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def same(got, want, what=""):
    """Raises unless both are equal."""
    if got != want:
        raise AssertionError(f"{what or 'value'}: want {want!r}, got {got!r}")


def until(condition, what, seconds=30, step=None):
    """Waits for a condition and returns what it returned; step is called between two looks, if given."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        if step:
            step()
        else:
            time.sleep(0.05)


def run():
    """Runs every check, prints the summary and exits."""
    failed = 0
    for name, function in _checks:
        try:
            function()
            print(f"PASS {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {name}", flush=True)
            for line in traceback.format_exc().splitlines()[-12:]:
                print(f"     | {line}", flush=True)
    print(f"{len(_checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)

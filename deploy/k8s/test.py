#!/usr/bin/env python3
"""Runs the tests of chart, alerts, dashboards and control plane; names as arguments pick some (`test_static`, `test_plane.Rollout`). The last line counts."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


def main():
    # `scale` is minutes long and needs KEDA: only by name.
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "tests").glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames([f"tests.{name}" for name in names])
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    # Subtests of one test may fail apart from each other; the test counts once.
    bad = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    print(f"{result.testsRun - len(bad) - len(result.skipped)} passed, {len(bad)} failed")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()

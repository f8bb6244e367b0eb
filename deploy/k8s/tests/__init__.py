"""Tests of the chart and of all that operators get; run by deploy/k8s/test.py."""

"""Perception: plain synchronous classes, testable without a loop."""

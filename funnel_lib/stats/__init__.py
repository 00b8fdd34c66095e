"""Intervals, incidence, resampling, shrinkage, tests: arrays in, numbers out."""

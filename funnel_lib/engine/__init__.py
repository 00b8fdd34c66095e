"""The mixture of noisy paths: arrays in, arrays out."""

"""Figures: accuracy on labelled data, the cost of an epoch, scale. See ``python -m scrcl_graph.benchmark --help``."""

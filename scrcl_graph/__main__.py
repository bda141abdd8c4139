"""``python -m scrcl_graph`` is the command line."""

from scrcl_graph.cli import main

main()

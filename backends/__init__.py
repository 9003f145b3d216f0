"""Everything that runs a graph: the mathematics, the loop and its caches, and one engine per folder."""

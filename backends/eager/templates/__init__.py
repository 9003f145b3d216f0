"""Templates of the emitted program: one per kind of node, named by its keyword, and `module` around them."""

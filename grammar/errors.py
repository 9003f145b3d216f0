"""The catalogue of mistakes that reading can find: SP01xx files and YAML, SP02xx the expression, SP03xx PASTA-LANG."""

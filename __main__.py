"""`python -m specplan`, the same as `specplan`."""

from .cli import main

main()

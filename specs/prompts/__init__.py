"""Prompts to try a plan on, an object per line with id, category and prompt; words of our own.

`quick.jsonl` has some of every kind. The answers to those of `lists.jsonl` have parts that stand side by side: what promises are
measured on, and never trained on.
"""

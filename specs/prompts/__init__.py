"""Prompts to try a plan on: `quick.jsonl`, an object per line with id, category and prompt; words of our own."""

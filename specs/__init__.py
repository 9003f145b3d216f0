"""Data that comes with specplan: plans, devices, models, pairs of vocabularies. No logic."""

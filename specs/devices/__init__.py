"""Profiles of devices that plans are compiled for. One YAML file each."""

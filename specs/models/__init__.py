"""Cards: what is known of models, and of what rides them, without their weights. One YAML file each."""

"""Plans that come with specplan: one per method, and one per composition that the README names."""

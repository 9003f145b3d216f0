"""Plans checked, lowered to graphs, and improved by passes."""

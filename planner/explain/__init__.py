"""What a plan is expected to do: each node with its memory and cost, and what that makes of the whole."""

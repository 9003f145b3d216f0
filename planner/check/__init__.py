"""Is a plan possible? Names, vocabularies, trees, stages and limits against what is known, without any weights."""

from .plan import check_plan, graph_name

__all__ = ["check_plan", "graph_name"]

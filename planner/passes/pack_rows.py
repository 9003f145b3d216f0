"""Work on the rows that do not rest, in a few fixed shapes.

Before:
    step(fresh: path[4 x 0..9], cache: kv[target, 4 x 2048], ...)
      guess = lookup(fresh, cache) by=recent, tokens=8 : guess[4 x 0..8]
After:
    step(fresh: path[4 x 0..9], cache: kv[target, 4 x 2048], ...)
      awake = pack(fresh) cases=1|2|4 : path[1|2|4 x 1..9]
      guess = lookup(awake, cache) by=recent, tokens=8 : guess[1|2|4 x 0..8]

One row needs no packing, and a pipeline's tree has no rows to pack.
"""

from __future__ import annotations

from dataclasses import replace

from ..graph import Graph, Pack, Path, Size, Value, free_name, renamed_region_end, retype, value_names, with_operands


def pack_rows(graph: Graph) -> Graph:
    """The graph with the active rows of its first parameter packed, if it has several rows."""
    step = graph.step
    fresh = step.parameters[0]
    if (
        not isinstance(fresh.type, Path)
        or fresh.type.rows == Size.of(1)
        or any(isinstance(n, Pack) for n in step.nodes)
    ):
        return graph
    awake = Value(free_name("awake", value_names(step)))
    names = {fresh.name: awake.name}
    pack = Pack(results=(awake,), fresh=fresh, cases=Size.each(*row_cases(fresh.type.rows.limit)), span=step.span)
    nodes = (pack, *(with_operands(node, names) for node in step.nodes))
    return retype(replace(graph, step=replace(renamed_region_end(step, names), nodes=nodes)))


def row_cases(rows: int) -> tuple[int, ...]:
    """The numbers of rows that get a shape of their own: powers of two up to half, and all.

    Where threads fork each of them is a row: nine are the main thread and eight forks.

    >>> row_cases(9), row_cases(4), row_cases(1)
    ((1, 2, 4, 9), (1, 2, 4), (1,))
    """
    counts = [1]
    while counts[-1] * 4 <= rows:
        counts.append(counts[-1] * 2)
    return (*counts, rows) if rows > counts[-1] else tuple(counts)

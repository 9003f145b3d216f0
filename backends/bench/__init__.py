"""How much faster a plan is than others, and whether it says the same: paired measurements of whole answers."""

from .baselines import BASELINES, Skipped
from .cases import Case
from .compare import Match, compare, prepare
from .comparison import Comparison, Measured, Ratio, summarise
from .contenders import Answer, Contender
from .pairing import LeftOut, Round, rounds
from .picture import picture
from .progress import Counting, counted_on
from .setting import Setting
from .statistics import Acceptance, Difference, Quartiles
from .table import comparison_text

__all__ = [
    "BASELINES",
    "Acceptance",
    "Answer",
    "Case",
    "Comparison",
    "Contender",
    "Counting",
    "Difference",
    "LeftOut",
    "Match",
    "Measured",
    "Quartiles",
    "Ratio",
    "Round",
    "Setting",
    "Skipped",
    "compare",
    "comparison_text",
    "counted_on",
    "picture",
    "prepare",
    "rounds",
    "summarise",
]

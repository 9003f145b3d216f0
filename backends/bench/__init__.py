"""How much faster a plan is than others, and whether it says the same: paired measurements, and the certificate."""

from .baselines import BASELINES, Skipped
from .cases import Case, shipped_cases
from .certificate import (
    PREFIXES,
    REDRAWS,
    Certificate,
    Examination,
    GreedyCertificate,
    NoCertificate,
    SampledCertificate,
    Verdict,
    certificate_text,
    certify,
    examine,
)
from .compare import Match, compare, prepare
from .comparison import Comparison, Measured, Ratio, summarise
from .contenders import Answer, Contender
from .forking import Threads, Times, WholeAnswers
from .pairing import LeftOut, Round, rounds
from .picture import picture
from .rehearsal import GUESSES, rehearse
from .setting import Setting, is_greedy
from .statistics import Acceptance, Difference, Quartiles
from .table import comparison_text

__all__ = [
    "BASELINES",
    "GUESSES",
    "PREFIXES",
    "REDRAWS",
    "Acceptance",
    "Answer",
    "Case",
    "Certificate",
    "Comparison",
    "Contender",
    "Difference",
    "Examination",
    "GreedyCertificate",
    "LeftOut",
    "Match",
    "Measured",
    "NoCertificate",
    "Quartiles",
    "Ratio",
    "Round",
    "SampledCertificate",
    "Setting",
    "Skipped",
    "Threads",
    "Times",
    "Verdict",
    "WholeAnswers",
    "certificate_text",
    "certify",
    "compare",
    "comparison_text",
    "examine",
    "is_greedy",
    "picture",
    "prepare",
    "rehearse",
    "rounds",
    "shipped_cases",
    "summarise",
]

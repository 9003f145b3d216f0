"""The losslessness certificate: does a plan say what its target alone would say?"""

from .certificate import Certificate, GreedyCertificate, SampledCertificate, Verdict
from .certify import PREFIXES, REDRAWS, Examination, certify, examine
from .errors import NoCertificate
from .text import certificate_text

__all__ = [
    "PREFIXES",
    "REDRAWS",
    "Certificate",
    "Examination",
    "GreedyCertificate",
    "NoCertificate",
    "SampledCertificate",
    "Verdict",
    "certificate_text",
    "certify",
    "examine",
]

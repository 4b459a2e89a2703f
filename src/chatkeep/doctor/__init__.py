"""What is wrong with a database, and the command that mends it.

report = await diagnose(schema, url)
"""

from chatkeep.doctor.check import Check
from chatkeep.doctor.diagnose import diagnose
from chatkeep.doctor.finding import Finding, Report, Severity, Unseen
from chatkeep.doctor.options import Limits, Options
from chatkeep.doctor.registry import CHECKS

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Limits",
    "Options",
    "Report",
    "Severity",
    "Unseen",
    "diagnose",
]

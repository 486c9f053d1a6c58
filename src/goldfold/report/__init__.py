"""A run in one HTML file."""

from goldfold.report.inlining import inline
from goldfold.report.report import PAGE, About, build_report, save_report

__all__ = ["PAGE", "About", "build_report", "inline", "save_report"]

"""wftop: terminal cockpit and flight recorder for machines that run local AI models."""

__version__ = "0.1.0"

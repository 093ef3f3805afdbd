"""Alerts in the recorder: rules over each closed second, what became of them, who is told."""

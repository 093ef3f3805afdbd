"""Screen 5: any series over a minute to 400 days, with events, and two ranges of time side by side."""

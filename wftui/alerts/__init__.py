"""Rules, and what becomes of them: conditions over series, states, silences, what is told to whom."""

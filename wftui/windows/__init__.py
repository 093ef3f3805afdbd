"""Recent samples in memory, and statistics over them."""

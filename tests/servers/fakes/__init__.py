"""Stand-ins of kinds of servers: their paths, and state that a test may change while they are asked."""

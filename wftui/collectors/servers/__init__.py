"""Model servers: found by who listens, asked politely, told in one set of figures."""

"""The recorder: it collects, remembers and serves, and never waits for anybody."""

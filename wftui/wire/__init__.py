"""The wire: what travels between the recorder and its views."""

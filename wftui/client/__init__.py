"""The client's side of the wire: a live feed, single questions, and starting a recorder."""

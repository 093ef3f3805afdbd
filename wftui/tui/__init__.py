"""The view: it shows what a recorder tells it and has no data of its own."""

"""Numbers to text, graphs and colours; nothing here knows a widget."""

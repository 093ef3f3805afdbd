"""Where numbers come from: metric, unit, source, call, age, quality."""

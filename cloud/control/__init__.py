"""Light on command: overrides with their results, and tonight's plan."""

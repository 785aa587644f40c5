"""From a checked configuration to what the rules need to know."""

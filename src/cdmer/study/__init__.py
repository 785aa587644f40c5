"""Studies of one's own: where the workflow lies, laying a study out, and what a run of it will cost."""

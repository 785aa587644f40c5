"""What trained models of the table say of new clips, by the very jobs that the workflow runs."""

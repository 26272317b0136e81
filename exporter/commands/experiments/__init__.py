"""What `experiment run` does at the edge: measures, runs commands, keeps the journal, tells."""

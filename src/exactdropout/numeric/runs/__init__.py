"""Running work in chunks: threads, executors, and the journal from which a run that was stopped goes on."""

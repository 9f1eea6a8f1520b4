"""What makes the sample traces: one module per folder, each with `files()`, from file name to content."""

"""The command line: reads files, calls the package, prints tables or JSON. No mathematics lives here."""

"""The command line: one thin module a verb. It parses, calls the pipeline and shows what came out."""

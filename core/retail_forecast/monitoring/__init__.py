"""What watches a model in use: drift of its inputs and figures on labels that arrive later."""

"""The command line: options in, data on stdout, talk on stderr, an exit code."""

"""Pictures of runs: one kind a file, `registry` names them. matplotlib is loaded on drawing."""

"""One network whose parts are shared by all networks of a space, trained once."""

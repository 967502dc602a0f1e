"""A task from acceptance to its announced ending: accept, submit, poll, finish, cancel, read."""

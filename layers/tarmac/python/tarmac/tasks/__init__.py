"""Tasks, from acceptance to the published notice: accept, submit, poll, finish, cancel, read."""

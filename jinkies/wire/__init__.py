"""The control API on a Unix socket: server, and client as the attached Operator."""

"""What can be read from log lines without asking anybody: fields, ids, templates, joined traces. Pure."""

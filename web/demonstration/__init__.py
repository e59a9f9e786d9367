"""One exam in progress, with everybody in it: what `invigil demo` shows."""

"""What Invigil costs, measured beside the plain way of doing the same. Run by `invigil bench`."""

"""One file an engine. A vendor's shapes stop at its door: what leaves is typed in `base`."""
